// Samples of perf, added up by what the processor was doing.

export type Module = 'kernel' | 'native core' | 'libraries' | 'Node, V8';

export interface Item {
  readonly name: string;
  readonly module: Module;
  /** CPU time. */
  readonly ns: number;
}

interface Frame {
  readonly isKernel: boolean;
  readonly symbol: string;
  /** The file that it was loaded from. */
  readonly file: string;
}

/** Of the kernel what it was called for counts, not the function: the first that its stack shows. */
const KERNEL_GROUPS: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/^(asm_)?exc_page_fault$|^do_page_fault$|^do_mem_abort$/, 'page faults'],
  [/^(vfs_read|vfs_readv|do_iter_read|filemap_read|generic_file_read_iter)$/, 'copy from the page cache'],
  [/^(vfs_write|vfs_writev|do_iter_write)$/, 'writes'],
];
const KERNEL_REST = 'other work: scheduling, locks, start and exit';
const COLLECTION =
  /v8::internal::(Heap::(Collect|Perform)|Scaveng|ConcurrentMarking|MarkCompact|Marking|Sweeper|MinorMark|Evacuator|PageEvacuation|ArrayBufferSweeper)/;
const COMPILER =
  /v8::internal::(compiler|baseline|maglev|Compiler|interpreter::Bytecode|Parser|PreParser|Scanner|Scope)\b/;
const LIBRARY = /\/lib[^/]*\.so[^/]*$/;
const COMPILED = /\/perf-\d+\.map$|^\[JIT\]|anon/;
const MEMORY_FUNCTION = /^_*(mem(?:cpy|move|set|cmp|chr))/;

/** Adds up the output of `perf script -F period,ip,sym,dso`; the largest item is first. */
export function itemsOf(script: string): Item[] {
  const sums = new Map<string, Item>();
  for (const [period, stack] of samples(script)) {
    const { name, module } = classify(stack);
    const key = `${module}: ${name}`;
    sums.set(key, { name, module, ns: (sums.get(key)?.ns ?? 0) + period });
  }
  return [...sums.values()].sort((a, b) => b.ns - a.ns);
}

function* samples(script: string): Generator<[period: number, stack: Frame[]]> {
  for (const block of script.split(/\n[ \t]*\n/)) {
    const [head, ...lines] = block.trimEnd().split('\n');
    const period = Number(head);
    const stack = lines.flatMap((line) => readFrame(line) ?? []);
    if (period > 0 && stack.length > 0) yield [period, stack];
  }
}

/** "  address symbol (file)"; the symbol of a C++ function has blanks and parentheses too. */
function readFrame(line: string): Frame | null {
  const found = /^\s*([0-9a-f]+) (.*) \(([^()]*)\)$/.exec(line);
  if (!found) return null;
  const [, address, symbol, file] = found;
  return { isKernel: address.length === 16 && address.startsWith('f'), symbol, file };
}

function classify(stack: readonly Frame[]): Omit<Item, 'ns'> {
  const [{ isKernel, symbol, file }] = stack;
  if (isKernel) return { name: kernelGroup(stack), module: 'kernel' };
  if (file.endsWith('/windrow.node')) return { name: shortSymbol(symbol), module: 'native core' };
  if (LIBRARY.test(file)) return { name: libraryFunction(symbol), module: 'libraries' };
  return { name: nodeGroup(stack), module: 'Node, V8' };
}

/** Of Node what its stack shows: which function it is does not say what it is for. */
function nodeGroup(stack: readonly Frame[]): string {
  const [{ symbol, file }] = stack;
  if (stack.some((frame) => COLLECTION.test(frame.symbol))) return 'garbage collection';
  if (stack.some((frame) => COMPILER.test(frame.symbol))) return 'compiling JavaScript';
  if (COMPILED.test(file) || symbol.startsWith('Builtins_')) return 'running JavaScript';
  return 'start-up, and calls from JavaScript';
}

function kernelGroup(stack: readonly Frame[]): string {
  const symbols = stack.filter(({ isKernel }) => isKernel).map(({ symbol }) => symbol);
  return KERNEL_GROUPS.find(([pattern]) => symbols.some((symbol) => pattern.test(symbol)))?.[1] ?? KERNEL_REST;
}

/** Without namespaces, and without what the compiler adds to parts of a function; a lambda is the function that it is in. */
function shortSymbol(symbol: string): string {
  return symbol === '[unknown]'
    ? 'without a symbol'
    : symbol
        .replace(/\(anonymous namespace\)::/g, '')
        .replace(/windrow::/g, '')
        .replace(/\([^()]*\)(?: const)?::\{lambda.*/, '')
        .replace(/\.(?:cold|part|isra|constprop)[.\d]*/g, '');
}

function libraryFunction(symbol: string): string {
  return MEMORY_FUNCTION.exec(symbol)?.[1] ?? 'other functions';
}
