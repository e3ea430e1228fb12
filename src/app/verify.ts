// `windrow verify`: placeholder until the model is wired.
export const VERIFY_OPTIONS = [];
export interface VerifyFlags {
  readonly window?: number;
}
export function verify(_capture: string, _entries: string, _flags: VerifyFlags): Promise<number> {
  return Promise.resolve(1);
}
