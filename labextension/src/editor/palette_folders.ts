/** The folders of templates, as the settings name them. */
import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import { Signal, type ISignal } from '@lumino/signaling';

/** Where templates are, while the settings say nothing. */
export const DEFAULT_FOLDERS: readonly string[] = ['templates'];

/** See the head of this file. */
export class TemplateFolders {
  /** Contents paths, without a slash at either end; at least one. */
  get value(): readonly string[] {
    return this._value;
  }

  /** `value` is another. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Follow the settings. */
  follow(settings: ISettingRegistry.ISettings): void {
    settings.changed.connect(() => this.take(settings.composite.templateFolders));
    this.take(settings.composite.templateFolders);
  }

  private take(stored: unknown): void {
    this._value = foldersOf(stored);
    this._changed.emit();
  }

  private _value = DEFAULT_FOLDERS;
  private readonly _changed = new Signal<this, void>(this);
}

/** Stored folders as contents paths; the default where none is left. */
export function foldersOf(stored: unknown): readonly string[] {
  const found = (Array.isArray(stored) ? stored : [])
    .filter((each): each is string => typeof each === 'string')
    .map(each => each.trim().replace(/^\/+|\/+$/g, ''))
    .filter(Boolean);
  return found.length ? [...new Set(found)] : DEFAULT_FOLDERS;
}
