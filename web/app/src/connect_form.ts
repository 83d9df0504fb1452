// Where the seed is given: pasted, from its file, or from its QR code.
import { SttError } from '../../src/index.js';
import { byId, setText } from './elements.js';
import { messageOf } from './format.js';
import { canScan, scanCode } from './qr_scanner.js';

const STORED_SEED = 'stt-seed';
const STORED_ADDRESS = 'stt-address';
/** Twice the 4,096 bytes of the largest seed, and a newline or two. */
const SEED_FILE_SIZE_MAX = 8_200;
const HEX_DIGITS = /^\s*[0-9a-fA-F]{32,8192}\s*$/;

/** The address of the node that served the page. */
export function ownAddress(): string {
  const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:';
  return `${scheme}//${location.host}/stt`;
}

/** What people type, as an address: `example.org` is `wss://example.org/stt`. */
export function completeAddress(typed: string): string {
  const text = typed.trim();
  if (text === '') return ownAddress();
  const own = location.protocol === 'https:' ? 'wss://' : 'ws://';
  const withScheme = /^[a-z]+:\/\//i.test(text) ? text.replace(/^http/i, 'ws') : own + text;
  const isWithoutPath = /^[a-z]+:\/\/[^/]*\/?$/i.test(withScheme);
  return isWithoutPath ? withScheme.replace(/\/?$/, '/stt') : withScheme;
}

export class ConnectForm {
  /** The person wants to connect. Rejects with why not. */
  onConnect: ((address: string, seed: string) => Promise<void>) | undefined;
  /** The person changed their mind. */
  onCancel: (() => void) | undefined;
  readonly #section = byId('entry', HTMLElement);
  readonly #seed = byId('seed', HTMLInputElement);
  readonly #address = byId('address', HTMLInputElement);
  readonly #addressDetails = byId('address-details', HTMLDetailsElement);
  readonly #remember = byId('remember', HTMLInputElement);
  readonly #reveal = byId('seed-reveal', HTMLButtonElement);
  readonly #error = byId('entry-error', HTMLParagraphElement);
  readonly #button = byId('connect', HTMLButtonElement);
  #isBusy = false;

  constructor() {
    this.#address.placeholder = ownAddress();
    byId('entry-form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      if (this.#isBusy) this.onCancel?.();
      else void this.#submit();
    });
    this.#reveal.addEventListener('click', () => this.#setRevealed(this.#seed.type === 'password'));
    this.#seed.addEventListener('input', () => this.#fail(''));
    this.#section.addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && this.#isBusy) this.onCancel?.();
    });
    this.#setUpFile();
    void this.#setUpScanner();
  }

  /** Connects with the seed of the tab, if that was wanted. */
  restore(): void {
    const seed = sessionStorage.getItem(STORED_SEED);
    if (seed === null) return this.#seed.focus();
    this.#seed.value = seed;
    this.#remember.checked = true;
    this.#address.value = sessionStorage.getItem(STORED_ADDRESS) ?? '';
    this.#addressDetails.open = this.#address.value !== '';
    void this.#submit();
  }
  show(): void {
    this.#section.hidden = false;
    this.#seed.value = this.#remember.checked ? sessionStorage.getItem(STORED_SEED) ?? '' : '';
    this.#seed.focus();
  }
  hide(): void {
    this.#section.hidden = true;
    this.#setRevealed(false);
    // Whoever comes by later need not find it here.
    this.#seed.value = '';
  }

  #setUpFile(): void {
    const input = byId('seed-file', HTMLInputElement);
    byId('seed-open', HTMLButtonElement).addEventListener('click', () => input.click());
    input.addEventListener('change', () => {
      const file = input.files?.[0];
      input.value = '';
      if (file !== undefined) void this.#readFile(file);
    });
  }
  async #readFile(file: File): Promise<void> {
    const text = file.size <= SEED_FILE_SIZE_MAX ? await file.text() : '';
    if (HEX_DIGITS.test(text)) this.#take(text.trim());
    else this.#fail(`‘${file.name}’ holds no seed.`);
  }
  async #setUpScanner(): Promise<void> {
    const isThere = await canScan();
    byId('seed-scan-offer', HTMLSpanElement).hidden = !isThere;
    byId('seed-scan-missing', HTMLParagraphElement).hidden = isThere;
    byId('seed-scan', HTMLButtonElement).addEventListener('click', async () => {
      try {
        const text = await scanCode();
        if (text !== undefined) this.#take(text);
      } catch (error) {
        this.#fail(`The camera cannot be used: ${messageOf(error)}`);
      }
    });
  }
  #take(seed: string): void {
    this.#seed.value = seed;
    this.#fail('');
    this.#button.focus();
  }
  #setRevealed(isRevealed: boolean): void {
    this.#seed.type = isRevealed ? 'text' : 'password';
    this.#reveal.setAttribute('aria-pressed', String(isRevealed));
    this.#reveal.textContent = isRevealed ? 'Hide' : 'Show';
  }

  async #submit(): Promise<void> {
    const seed = this.#seed.value.trim();
    const address = completeAddress(this.#address.value);
    this.#fail('');
    if (seed === '') return this.#fail('Give the seed first.', this.#seed);
    this.#setBusy(true);
    try {
      await this.onConnect?.(address, seed);
      this.#store(seed);
    } catch (error) {
      sessionStorage.removeItem(STORED_SEED);
      this.#explain(error, address);
    } finally {
      this.#setBusy(false);
    }
  }
  #store(seed: string): void {
    if (this.#remember.checked) {
      sessionStorage.setItem(STORED_SEED, seed);
      sessionStorage.setItem(STORED_ADDRESS, this.#address.value.trim());
    } else {
      sessionStorage.removeItem(STORED_SEED);
      sessionStorage.removeItem(STORED_ADDRESS);
    }
  }
  #setBusy(isBusy: boolean): void {
    this.#isBusy = isBusy;
    this.#section.setAttribute('aria-busy', String(isBusy));
    this.#button.textContent = isBusy ? 'Connecting… (cancel)' : 'Connect';
  }

  #explain(error: unknown, address: string): void {
    const code = error instanceof SttError ? error.code : 'internal';
    switch (code) {
      case 'handshake-unanswered':
        return this.#fail(
          'The node answered, but not with this seed. Check that you have all of it and that it ' +
            'is the one of this node; the clocks of both must agree within two minutes.',
          this.#seed);
      case 'bad-seed':
        return this.#fail(
          'That is no seed. A seed is 32 to 8,192 hex digits (0–9, a–f).', this.#seed);
      case 'unreachable':
        return this.#fail(
          `Nothing answers at ${address}. Is the node running, and is the network there?`,
          this.#addressDetails.open ? this.#address : this.#button);
      case 'bad-argument':
        this.#addressDetails.open = true;
        return this.#fail(
          `${address} is no address that this page may connect to: it should look like ` +
            'wss://example.org/stt.', this.#address);
      case 'incompatible':
        return this.#fail('The node speaks another version of the protocol than this page.');
      case 'aborted':
        return this.#fail('', this.#seed);
      default:
        return this.#fail(
          `This page failed: ${messageOf(error)}. Reload it.`);
    }
  }
  #fail(text: string, focus?: HTMLElement): void {
    setText(this.#error, text);
    const isOfSeed = focus === this.#seed && text !== '';
    this.#seed.setAttribute('aria-invalid', String(isOfSeed));
    focus?.focus();
    if (isOfSeed) this.#seed.select();
  }
}
