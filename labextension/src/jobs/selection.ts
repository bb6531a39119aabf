/**
 * Which items of a list are selected, and which one the keyboard is on: the rules of a listbox with many selected
 * (click, Ctrl, Shift, Ctrl+A), by ids, so that a list that moves keeps its selection.
 */

/** How a gesture selects: that one alone, that one as well (or no more), all up to there. */
export type SelectMode = 'one' | 'toggle' | 'range';

/** Selected ids of a list. */
export class Selection {
  /** `ids` gives the list's ids in order, as they are now. */
  constructor(private readonly ids: () => readonly string[]) {}

  /** The id that the keyboard is on; null before anything was touched. */
  active: string | null = null;

  /** How many are selected. */
  get size(): number {
    return this._chosen.size;
  }

  /** Whether `id` is selected. */
  has(id: string): boolean {
    return this._chosen.has(id);
  }

  /** Select by a gesture on `id`, which becomes the active one. */
  select(id: string, mode: SelectMode): void {
    this.active = id;
    if (mode === 'range' && this._anchor !== null) {
      this._chosen = new Set(this._between(this._anchor, id));
      return;
    }
    this._anchor = id;
    if (mode === 'toggle') {
      this._chosen = new Set(this._chosen);
      if (!this._chosen.delete(id)) {
        this._chosen.add(id);
      }
    } else {
      this._chosen = new Set([id]);
    }
  }

  /** Go `by` items on (to the ends at most); null where the list is empty. */
  step(by: number): string | null {
    const ids = this.ids();
    const at = this.active === null ? -1 : ids.indexOf(this.active);
    const next = at < 0 ? 0 : Math.min(ids.length - 1, Math.max(0, at + by));
    return ids[next] ?? null;
  }

  /** Select all there are. */
  selectAll(): void {
    this._chosen = new Set(this.ids());
  }

  /** Select nothing; the keyboard stays where it is. */
  clear(): void {
    this._chosen = new Set();
    this._anchor = null;
  }

  /** Forget all but `ids`. */
  keep(ids: readonly string[]): void {
    const there = new Set(ids);
    this._chosen = new Set([...this._chosen].filter(id => there.has(id)));
    this.active = this.active !== null && there.has(this.active) ? this.active : null;
    this._anchor = this._anchor !== null && there.has(this._anchor) ? this._anchor : null;
  }

  private _between(one: string, other: string): readonly string[] {
    const ids = this.ids();
    const [from, to] = [ids.indexOf(one), ids.indexOf(other)].sort((a, b) => a - b);
    return ids.slice(Math.max(0, from), to + 1);
  }

  private _chosen = new Set<string>();
  private _anchor: string | null = null;
}
