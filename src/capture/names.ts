// Which interfaces are meant: names, and patterns of them.

/** Matches a whole name against each of them; `*` is any characters, `?` one, as in a shell. */
export function matcherOf(patterns: readonly string[]): (name: string) => boolean {
  const expressions = patterns.map((pattern) => {
    const escaped = pattern
      .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.');
    return new RegExp(`^${escaped}$`, 'su');
  });
  return (name) => expressions.some((expression) => expression.test(name));
}

/** Whether it names one interface, which is missed where it is not there. */
export function isPlainName(pattern: string): boolean {
  return !/[*?]/.test(pattern);
}
