// `windrow demo`: placeholder.
export function demo(_directory: string): Promise<number> {
  return Promise.resolve(1);
}
