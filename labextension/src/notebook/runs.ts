/**
 * What "Run as pipeline job" and "Open as pipeline" do with one notebook: build it on the server, plan, start; and
 * what was found on the way, until the next asking.
 *
 * The job is made of the notebook as it stands on the screen, saved or not. Each press has an idempotency key of
 * its own, and asking again after a lost answer uses the same one: never two jobs for one press.
 */
import { UUID } from '@lumino/coreutils';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';
import type { TranslationBundle } from '@jupyterlab/translation';
import { parse } from 'yaml';

import type { Api } from '../api';
import { ApiError } from '../api';
import type { JobSummary, NotebookPipeline, PlanView } from '../generated';
import type { ParamField } from '../params';
import { fieldsOf } from '../params';
import type { Finding } from './findings';
import { findingOf, findingsOf, planFindings } from './findings';

/** The notebook, as far as this needs it. */
export interface IBuildable {
  /** Its contents path. */
  readonly path: string;
  /** The file on the server's machine, where its code lies. */
  readonly source: string | undefined;
  /** The notebook as it is now, less what cells put out. */
  content(): unknown;
}

/** The parameters that are being asked for. */
export interface Asked {
  fields: readonly ParamField[];
  /** Texts as last given, by name. */
  texts: Readonly<Record<string, string>>;
  /** Go on with these values. */
  go(texts: Readonly<Record<string, string>>, values: Record<string, unknown>): void;
}

/** See the head of this file. */
export class NotebookRuns {
  constructor(
    private readonly api: Api,
    private readonly notebook: IBuildable,
    private readonly trans: TranslationBundle,
    private readonly started: (job: JobSummary) => void
  ) {}

  /** After each change of the rest. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** What is being waited for, in words; empty while nothing is. */
  get busy(): string {
    return this._busy;
  }

  /** What the last asking found. */
  get findings(): readonly Finding[] {
    return this._findings;
  }

  /** The parameters that are being asked for; null while none are. */
  get asked(): Asked | null {
    return this._asked;
  }

  /** Forget what was found, and ask for nothing. */
  forget(): void {
    this._findings = [];
    this._asked = null;
    this._changed.emit();
  }

  /** Something else was found. */
  tell(error: unknown): void {
    this._findings = findingsOf(error);
    this._changed.emit();
  }

  /** The notebook as a pipeline; null where it cannot become one (see `findings`). */
  async build(): Promise<NotebookPipeline | null> {
    return this.asking(this.trans.__('Building the pipeline…'), () => this.fetch());
  }

  /** Build, ask for parameters where there are any, plan and start. */
  async run(): Promise<void> {
    if (this._busy) {
      return;
    }
    const built = await this.build();
    if (!built) {
      return;
    }
    const fields = fieldsOf((parse(built.text) as { params?: unknown } | null)?.params);
    if (fields.length === 0) {
      await this.start(built, {});
      return;
    }
    const go = (texts: Asked['texts'], values: Record<string, unknown>) => {
      this.texts = texts;
      this._asked = null;
      void this.start(built, values);
    };
    this._asked = { fields, texts: this.texts, go };
    this._changed.emit();
  }

  private async fetch(): Promise<NotebookPipeline> {
    const { path } = this.notebook;
    const body = { path, content: this.notebook.content() };
    const built = await this.api.send<NotebookPipeline>('POST', 'notebooks/build', body);
    this._findings = built.problems.map(each => findingOf(each, built.tasks));
    return built;
  }

  private async start(built: NotebookPipeline, params: Record<string, unknown>): Promise<void> {
    const { text, files, backend } = built;
    const request = { text, files, source: this.notebook.source, params, ...(backend ? { backend } : {}) };
    const warnings = this._findings;
    const job = await this.asking(
      this.trans.__('Starting…'),
      async () => {
        const plan = await this.api.send<PlanView>('POST', 'plan', request);
        this._findings = [...warnings, ...planFindings(plan, built.tasks)];
        const isRefused = plan.tasks.some(each => each.decision === 'refused');
        return isRefused ? null : this.post({ ...request, key: UUID.uuid4() });
      },
      built.tasks
    );
    if (job) {
      this.started(job);
    }
  }

  /** POST, once more with the same key where the answer was lost on its way. */
  private async post(body: unknown): Promise<JobSummary> {
    try {
      return await this.api.send<JobSummary>('POST', 'jobs', body);
    } catch (error) {
      if (error instanceof ApiError && error.isUnreachable) {
        return this.api.send<JobSummary>('POST', 'jobs', body);
      }
      throw error;
    }
  }

  private async asking<T>(
    words: string,
    ask: () => Promise<T>,
    tasks: NotebookPipeline['tasks'] = []
  ): Promise<T | null> {
    this._busy = words;
    this._findings = [];
    this._asked = null;
    this._changed.emit();
    try {
      return await ask();
    } catch (error) {
      this._findings = findingsOf(error, tasks);
      return null;
    } finally {
      this._busy = '';
      this._changed.emit();
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private _busy = '';
  private _findings: readonly Finding[] = [];
  private _asked: Asked | null = null;
  private texts: Readonly<Record<string, string>> = {};
}
