/**
 * Tasks on the clipboard are YAML text: what is copied here can be pasted into any text, and the other way round.
 *
 * The system's clipboard may only be read over HTTPS or on localhost, and after the user allowed it; where it
 * cannot be, what was last copied in this JupyterLab is pasted, which serves copying across its pipelines.
 */
import { Clipboard } from '@jupyterlab/apputils';

/** What of the system is used; the browser's own in all but tests. */
export type SystemClipboard = Pick<globalThis.Clipboard, 'readText' | 'writeText'>;

/** One for all editors of a JupyterLab. */
export class TaskClipboard {
  constructor(private readonly system: SystemClipboard | undefined = globalThis.navigator?.clipboard) {}

  /** Copy. */
  async write(text: string): Promise<void> {
    this.last = text;
    try {
      if (this.system) {
        await this.system.writeText(text);
        return;
      }
    } catch (error) {
      console.warn('The system’s clipboard is closed to this page; copied by the older way.', error);
    }
    Clipboard.copyToSystem(text);
  }

  /** What is to be pasted; empty where nothing is. */
  async read(): Promise<string> {
    try {
      return (await this.system?.readText()) || this.last;
    } catch {
      return this.last; // reading was not allowed, which is the user's good right
    }
  }

  private last = '';
}
