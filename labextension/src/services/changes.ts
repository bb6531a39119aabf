/** Hints about services: Jupyter's event bus says how often they changed, and each new number is a reason to ask. */
import { Signal, type ISignal } from '@lumino/signaling';

import { HINT, type Hint, type Hints } from '../hints';

/** Tells of each change that is heard of. A hint may be lost: whoever listens asks now and then all the same. */
export class ServiceChanges {
  constructor(hints: Hints) {
    hints.connect(this.hear, this);
  }

  /** After each change, once the first number is known. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  private hear(_: unknown, hint: Hint): void {
    if (hint.schema_id !== HINT || typeof hint.services !== 'number' || hint.services === this.count) {
      return;
    }
    this.count = hint.services;
    this._changed.emit();
  }

  private count: number | null = null;
  private readonly _changed = new Signal<this, void>(this);
}
