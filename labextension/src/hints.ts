/** Hints on Jupyter's event bus: something happened, ask for what it was. */
import type { ISignal } from '@lumino/signaling';

/** Something on Jupyter's event bus. */
export interface Hint {
  readonly schema_id: string;
  readonly [key: string]: unknown;
}

/** Where hints come from. */
export type Hints = Pick<ISignal<unknown, Hint>, 'connect' | 'disconnect'>;

/** The event schema of our hints. */
export const HINT = 'https://events.jupyter.org/fasttrack_jupyter/hint/v1';
