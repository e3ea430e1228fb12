// Where commands find what is not on their command line: the environment, and files that hold secrets.
import fs from 'node:fs';
import type { Surroundings } from '../kafka/options.ts';

export const SURROUNDINGS: Surroundings = {
  environment: process.env,
  readFile: (path) => fs.readFileSync(path, 'utf8'),
};
