import type { Session } from '../../src/index.js';
import type { Link } from './link.js';
export class LivePanel {
  constructor(_link: Link) {}
  join(_session: Session): void {}
  leave(): void {}
}
