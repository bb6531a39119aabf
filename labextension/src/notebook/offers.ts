/** What the engine has to choose from while something is typed into a form: its backends, and the images of each. */
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { Api } from '../api';

interface Named {
  name: string;
}

/** Asked once for each backend; while the server has no answer there is nothing to offer, and typing works. */
export class EngineOffers {
  constructor(private readonly api: Pick<Api, 'get'>) {}

  /** After each answer. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Where jobs can run. */
  get backends(): readonly string[] {
    return this.names('backends', 'backends', {});
  }

  /** What tasks can run in there. */
  images(backend: string): readonly string[] {
    return this.names(`images of ${backend}`, 'images', { backend });
  }

  /** Ask again what there was no answer to. */
  retry(): void {
    [...this.known].forEach(([what, found]) => found === null && this.known.delete(what));
  }

  private names(what: string, path: string, query: Record<string, string>): readonly string[] {
    if (!this.known.has(what)) {
      this.known.set(what, []);
      void this.fetch(what, path, query);
    }
    return this.known.get(what) ?? [];
  }

  private async fetch(what: string, path: string, query: Record<string, string>): Promise<void> {
    try {
      const found = await this.api.get<Named[]>(path, query);
      this.known.set(
        what,
        found.map(each => each.name)
      );
      this._changed.emit();
    } catch {
      this.known.set(what, null);
    }
  }

  /** By what was asked; null: there was no answer. */
  private readonly known = new Map<string, readonly string[] | null>();
  private readonly _changed = new Signal<this, void>(this);
}
