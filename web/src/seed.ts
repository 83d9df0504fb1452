import { SttError } from './errors.js';
import { moduleOf } from './module.js';

/**
 * The seed that `stt seed show` prints: hex digits of either case, with white space around them
 * allowed; the text of its QR code too. Rejects with code 'bad-seed' for anything else.
 *
 * Overwrite the bytes (`seed.fill(0)`) when connect() has them: the module keeps what it needs.
 */
export async function parseSeed(text: string): Promise<Uint8Array> {
  const module = await moduleOf();
  const { calls } = module;
  const digits = module.encode(text);
  let size = 0;
  if (digits.length <= calls.stt_secret_input_size()) {
    module.bytes(calls.stt_secret_input(), digits.length).set(digits);
    size = calls.stt_parse_seed(digits.length);
  }
  digits.fill(0);
  const seed = module.bytes(calls.stt_secret_input(), size).slice();
  calls.stt_wipe_secret();
  if (size === 0) {
    throw new SttError('bad-seed', 'a seed is 32 to 8,192 hex digits, as `stt seed show` prints');
  }
  return seed;
}
