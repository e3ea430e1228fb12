// How standard input and standard output are named where a path is expected.

export const STDIN = '-';
export const STDOUT = '-';
