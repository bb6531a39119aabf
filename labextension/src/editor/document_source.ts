/** A text that was read: its data, and where its parts stand. */
import type { Json } from './edits';

/** See the head of this file. */
export class Source {
  /** Of `text`, which holds `data`. */
  constructor(
    readonly text: string,
    readonly data: Json
  ) {}

  /** What the text says of a task, or null. */
  taskData(name: string): Json {
    return name ? this.data : null;
  }
}
