/**
 * What the parts of the extension know of each other: ids of commands, and the interfaces by which
 * `jobs/` (what happens) and `editor/` (what is drawn) meet without importing one another.
 */
import { Token } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import type { Widget } from '@lumino/widgets';

import type { JobSummary, JobView, ProfileView, ServerInfo } from './generated';

export type { ServerInfo } from './generated';

/** The extension's id, its settings' prefix and its translation domain's stem. */
export const EXTENSION = 'fasttrack-jupyter';

/** The gettext domain of all words in this extension. */
export const DOMAIN = 'fasttrack_jupyter';

/** The document factory's name, as it stands in "Open with". */
export const FACTORY = 'Pipeline editor';

/** The file type of `*.fasttrack.yaml`. */
export const FILE_TYPE = 'fasttrack-pipeline';

/** Commands; their arguments are documented where they are added. */
export namespace CommandIDs {
  /** Make an empty pipeline in a folder and open it. Args: `cwd?`. */
  export const newPipeline = 'fasttrack:new-pipeline';
  /** Open a pipeline file in the editor. Args: `path`, `job?` (shown on the canvas), `task?` (selected). */
  export const openPipeline = 'fasttrack:open-pipeline';
  /** Bring a pipeline file of another kind in. Args: `path?`. */
  export const importPipeline = 'fasttrack:import-pipeline';
  /** Open the view of one job. Args: `job`. */
  export const openJob = 'fasttrack:open-job';
  /** Run the pipeline of the current editor, or the file at `path`. Args: `path?`. */
  export const run = 'fasttrack:run';
  /** Validate the file at `path` and say what was found. Args: `path?`. */
  export const validate = 'fasttrack:validate';
  /** Cancel a job. Args: `job`. */
  export const cancelJob = 'fasttrack:cancel-job';
  /** Make a new job from an old one. Args: `job`, `fromFailed?`. */
  export const rerunJob = 'fasttrack:rerun-job';
  /** Show jobs side by side in a tab. Args: `jobs?` (ids; else it is asked which). */
  export const compareJobs = 'fasttrack:compare-jobs';
  /** Show what differs between two pipelines in a tab. Args: `one` (a job), `other` (a job) or `source` (a file). */
  export const diffJobs = 'fasttrack:diff-jobs';
  /** Show where something comes from and what became of it. Args: `job` and `task`, or `model` and `backend`. */
  export const lineage = 'fasttrack:lineage';
  /** Open a notebook that runs in a session like that of a task instance. Args: `job`, `path`. */
  export const debugTask = 'fasttrack:debug-task';
  /** Show the panel. */
  export const showPanel = 'fasttrack:show-panel';
  /** Sign in to a Backend.AI cluster, or see those that one is signed in to. Args: `profile?` (to be changed). */
  export const addCluster = 'fasttrack:add-cluster';
  /** Show a cluster in a tab. Args: `backend?` (the first there is). */
  export const openCluster = 'fasttrack:open-cluster';
  /** Show the model services in a tab. */
  export const openServices = 'fasttrack:open-services';
  /** Show the registered models in a tab. */
  export const openModels = 'fasttrack:open-models';
  /** Give the selected tasks of the editor an image; resolves to words about it. Args: `image`. */
  export const useImage = 'fasttrack:use-image';
  /** Mount a vfolder in the selected tasks of the editor; resolves to words about it. Args: `folder`. */
  export const useFolder = 'fasttrack:use-folder';
}

/** How the connection to the engine is. */
export type Connection = 'connected' | 'connecting' | 'lost' | 'signed-out';

/** One job, followed until disposed. */
export interface IJobWatch extends IDisposable {
  /** The job's id. */
  readonly id: string;
  /** The job as it is known now; null before the first answer. */
  readonly job: JobView | null;
  /** Why it cannot be shown, in words; null while all is well. */
  readonly error: string | null;
  /** After each change of `job` or `error`; many events make one signal. */
  readonly changed: ISignal<IJobWatch, void>;
}

/** What happens in this home: live by the engine's event log. */
export interface IJobs {
  /** The server's word on itself; null before the first answer. */
  readonly info: ServerInfo | null;
  /** How the connection is. */
  readonly connection: Connection;
  /** After each change of `info` or `connection`. */
  readonly connectionChanged: ISignal<IJobs, void>;
  /** After events of any job; the argument names the jobs that changed (empty: any may have). */
  readonly jobsChanged: ISignal<IJobs, readonly string[]>;
  /** Unfinished jobs, newest first. */
  readonly running: readonly JobSummary[];
  /** Somebody got no answer, or was asked who he is: look at the connection now, if it was thought to be well. */
  doubt(): void;
  /** Follow one job. The caller disposes of it. */
  watch(job: string): IJobWatch;
}

/** Provided by `jobs/`. */
export const IJobs = new Token<IJobs>(
  `${EXTENSION}:IJobs`,
  'The pipeline jobs of this home, followed by the engine’s event log.'
);

/** The right dock's tabs about one task instance. */
export type TaskPanelKind = 'log' | 'outputs' | 'resources' | 'attempts';

/** Views of one task instance: a Lumino widget each, that follows what happens and disposes of itself. */
export interface ITaskPanels {
  /** The panel of `kind` for the task instance `path` of `job`. */
  create(kind: TaskPanelKind, job: string, path: string): Widget;
}

/** Provided by `jobs/`, used by the editor's dock. */
export const ITaskPanels = new Token<ITaskPanels>(
  `${EXTENSION}:ITaskPanels`,
  'Log, outputs, resources and attempts of one task instance.'
);

/** Who one is on which cluster; never a key. */
export interface IClusters {
  /** All profiles, by name; empty before the first answer. */
  readonly profiles: readonly ProfileView[];
  /** After each change of `profiles`. */
  readonly changed: ISignal<IClusters, void>;
}

/** Provided by `clusters/`. */
export const IClusters = new Token<IClusters>(
  `${EXTENSION}:IClusters`,
  'The Backend.AI clusters that the reader is signed in to.'
);

/** One more section of the panel. */
export interface PanelSection {
  title: string;
  widget: Widget;
  /** What stands at the right of its title. */
  buttons: readonly Widget[];
}

/** The panel at the left, for those who have something to show there. */
export interface IPanelSections {
  /** Add a section at the end, folded; it goes away when what is returned is disposed of. */
  add(section: PanelSection): IDisposable;
}

/** Provided by `jobs/`. */
export const IPanelSections = new Token<IPanelSections>(
  `${EXTENSION}:IPanelSections`,
  'The panel of pipelines, jobs and resources.'
);
