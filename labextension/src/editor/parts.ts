/**
 * The two places of the editor that others fill: the palette at the left and the dock's tab "Properties".
 *
 * A part is a function from a {@link PartContext} to a Lumino widget; it is called once per open document, and the
 * editor disposes of what it made. Parts are listed in `plugins.ts`; a place without one is not shown (palette) or
 * says what is selected in plain words (properties).
 */
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ISignal } from '@lumino/signaling';
import type { Widget } from '@lumino/widgets';

import type { Api } from '../api';
import type { ServerInfo } from '../tokens';
import type { Edit } from './edits';
import type { PipelineModel } from './model';

/** What a part is given. */
export interface PartContext {
  /** The text as a model: graph, data, problems, selection (`select`, `selectionChanged`) and `apply`. */
  readonly model: PipelineModel;
  /** The server's word on itself; null before the first answer. Ask again when `changed` has told of a change. */
  readonly info: () => ServerInfo | null;
  /** The one way to the server. */
  readonly api: Api;
  readonly trans: TranslationBundle;
  readonly rendermime: IRenderMimeRegistry;
  /** Where jobs of this document are to run. */
  readonly backend: () => string;
  /** All backends that there are. */
  readonly backends: () => readonly string[];
  /** Contents path of the pipeline file, as it is now. */
  readonly path: () => string;
  /** Whether the text may not be changed: the file is read-only, or the canvas shows a job's own graph. */
  readonly isReadOnly: () => boolean;
  /** After each change of `info`, `backend`, `path` or `isReadOnly`. */
  readonly changed: ISignal<unknown, void>;
  /** `model.apply`, whose refusal is said at the editor's foot and to screen readers; whether it was made. */
  readonly apply: (edit: Edit) => boolean;
}

/** Makes a part for one document. */
export type PartFactory = (context: PartContext) => Widget;

/** Who fills the places. */
export interface EditorParts {
  /** The form of the selected task or tasks, or of the pipeline where none is selected. */
  properties?: PartFactory;
  /** Kinds of tasks to drag onto the canvas; drag data is {@link TASK_MIME}. */
  palette?: PartFactory;
}

/** Lumino drag data of a new task: a `Json` mapping as it is to stand in `tasks`; its name is made free. */
export const TASK_MIME = 'application/x-fasttrack-task';

/** Lumino drag data of a template: a function that fetches the text of a pipeline whose tasks are to be added. */
export const TEMPLATE_MIME = 'application/x-fasttrack-template';

/** What is dragged as {@link TEMPLATE_MIME}; fails with ApiError where it cannot be read. */
export type LazyTemplate = () => Promise<string>;
