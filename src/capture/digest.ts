// What a capture is, by its bytes: the same captures have the same digest, wherever they lie and whatever their names.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { WindrowError, systemReason } from '../base/errors.ts';

const CHUNK_BYTES = 1 << 20;

/** SHA-256 over all files and `text`, as hexadecimal digits. Files are read once more for it. Rejects with INPUT_REFUSED. */
export async function digestOf(paths: readonly string[], text: string): Promise<string> {
  const whole = createHash('sha256').update(text);
  for (const path of paths) {
    const file = createHash('sha256');
    try {
      for await (const chunk of fs.createReadStream(path, { highWaterMark: CHUNK_BYTES })) file.update(chunk as Buffer);
    } catch (cause) {
      throw new WindrowError('INPUT_REFUSED', `${path}: cannot be read: ${systemReason(cause)}`, { cause });
    }
    whole.update(file.digest());
  }
  return whole.digest('hex');
}
