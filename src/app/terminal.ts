// What standard output is.

/** Whether colors are wanted there: never elsewhere than on a terminal, where Node says undefined, not false. */
export function isColored(): boolean {
  return process.stdout.isTTY ? !process.env['NO_COLOR'] : false;
}
