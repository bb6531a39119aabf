/**
 * What Run, Plan, Stop and their kin do: asks the server, and keeps what it said until the next asking.
 *
 * A job is made of the text as it stands in the editor, after saving it where it can be saved: so the file, the
 * copy of the code that the job keeps and what `fasttrack rerun --edited` would use later are the same. A file that
 * cannot be written is run as it stands on the screen. Each press has an idempotency key of its own, and asking
 * again after a lost answer uses the same one: never two jobs for one press. Nor for two presses that were meant as
 * one: what was started a moment ago is not started again while nothing about it has changed.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import { UUID } from '@lumino/coreutils';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { Api } from '../api';
import { ApiError, word } from '../api';
import type { JobSummary, PipelineDiff, PlanView } from '../generated';
import type { Graph, Problem } from './graph';
import { planProblems, problemsOf } from './run_findings';

/** The document, as far as running it needs. */
export interface IRunnable {
  /** The YAML as it stands in the editor. */
  readonly text: string;
  /** The graph of that text, for the places of what is found. */
  readonly graph: Graph;
  /** The file on the server's machine, where its code lies. */
  readonly source: string | undefined;
  /** Save it if it can be; rejects with words if it should have been saved and could not. */
  save(): Promise<void>;
}

/** Which part of the pipeline to run. */
export interface Part {
  only?: readonly string[];
  from?: readonly string[];
}

/** What went wrong, in words. */
export interface Trouble {
  message: string;
  hint: string;
}

/** A second press within this time after a job was made is the end of a slow double click, in milliseconds. */
const DOUBLE = 1000;

/** Runs the pipeline of one document. */
export class RunModel {
  constructor(
    private readonly api: Api,
    private readonly document: IRunnable,
    private readonly trans: TranslationBundle
  ) {}

  /** Where jobs are to run. */
  backend = 'local';

  /** Whether results of earlier jobs may stand in, where tasks allow it. */
  usesCache = true;

  /** Values of parameters, as last given in the form. */
  params: Readonly<Record<string, unknown>> = {};

  /** After each change of the rest. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** What is being waited for, in words; empty while nothing is. */
  get busy(): string {
    return this._busy;
  }

  /** The last plan; null after the text or the part asked for changed. */
  get plan(): PlanView | null {
    return this._plan;
  }

  /** What the last asking found wrong, at its places. */
  get problems(): readonly Problem[] {
    return this._problems;
  }

  /** Why the last asking failed; null if it did not. */
  get trouble(): Trouble | null {
    return this._trouble;
  }

  /** Whether it failed for want of a connection, whatever was asked. */
  get isCutOff(): boolean {
    return this.failure instanceof ApiError && this.failure.isCutOff;
  }

  /** The connection is back: what failed for want of it (a file that could not be saved as well) is trouble no more. */
  reconnected(): void {
    if (this._trouble && (this.isCutOff || !(this.failure instanceof ApiError))) {
      this.forget();
    }
  }

  /** Forget what was found: the text has changed. */
  forget(): void {
    if (this._plan || this._trouble || this._problems.length) {
      this._plan = null;
      this._trouble = null;
      this._problems = [];
      this._changed.emit();
    }
  }

  /** What a job would do, without one being made; null where that could not be told (see `trouble`). */
  async planned(part: Part = {}): Promise<PlanView | null> {
    return this.asking(this.trans.__('Planning…'), async () => {
      const plan = await this.api.send<PlanView>('POST', 'plan', this.request(part));
      this._plan = plan;
      this._problems = planProblems(plan, this.document.text, this.document.graph);
      return plan;
    });
  }

  /** What differs in the text from what `job` ran, and that job's own text; null where that could not be told. */
  async compared(job: string): Promise<{ diff: PipelineDiff; text: string } | null> {
    const { text, source } = this.document;
    const body = { one: { job }, other: { text, source }, code: true };
    return this.asking(this.trans.__('Comparing…'), async () => {
      const [diff, answer] = await Promise.all([
        this.api.send<PipelineDiff>('POST', 'diff', body),
        this.api.raw(`jobs/${word(job)}/text`)
      ]);
      return { diff, text: await answer.text() };
    });
  }

  /** Save, plan, and run unless the plan refuses a task; the new job, or null (see `trouble` and `problems`). */
  async run(part: Part = {}): Promise<JobSummary | null> {
    return this.isStarting || this.isJustMade(this.request(part)) ? null : this.start(part);
  }

  /** A new job from `job` with the text as it is now: what succeeded is reused, or only a part is run. */
  async rerun(job: string, how: { fromFailed?: boolean; part?: Part }): Promise<JobSummary | null> {
    const body = () => ({
      from_failed: how.fromFailed ?? false,
      selection: selection(how.part ?? {}),
      cache: this.usesCache ? null : false,
      text: this.document.text
    });
    return this.isStarting || this.isJustMade(body())
      ? null
      : this.asking(this.starting, async () => {
          await this.document.save();
          return this.make(`jobs/${word(job)}/rerun`, body());
        });
  }

  /** Ask for the end of a job. */
  async cancel(job: string): Promise<JobSummary | null> {
    return this.asking(this.trans.__('Stopping…'), () => this.post(`jobs/${word(job)}/cancel`, undefined));
  }

  /** Ask for the end of some task instances of a job. */
  async cancelTasks(job: string, paths: readonly string[]): Promise<boolean> {
    const done = await this.asking(this.trans.__('Stopping…'), async () => {
      await Promise.all(
        paths.map(path => this.api.send('POST', `jobs/${word(job)}/tasks/${word(path)}/cancel`))
      );
      return true;
    });
    return done ?? false;
  }

  private async start(part: Part): Promise<JobSummary | null> {
    return this.asking(this.starting, async () => {
      await this.document.save();
      const request = this.request(part); // what is planned is what is run, whatever is typed meanwhile
      const plan = await this.api.send<PlanView>('POST', 'plan', request);
      this._problems = planProblems(plan, this.document.text, this.document.graph);
      const refused = plan.tasks.filter(each => each.decision === 'refused');
      if (refused.length) {
        this._plan = plan;
        throw new ApiError(
          422,
          'refused',
          this.trans._n('One task cannot run: %2', '%1 tasks cannot run: %2', refused.length, names(refused)),
          this.trans.__('The reasons are on the tasks and among the problems.'),
          { tasks: Object.fromEntries(refused.map(each => [each.task, each.reason])) }
        );
      }
      return this.make('jobs', request);
    });
  }

  /** Make a job, by a key of its own. */
  private async make(path: string, request: Record<string, unknown>): Promise<JobSummary> {
    const job = await this.post(path, { ...request, key: UUID.uuid4() });
    this.made = { request: JSON.stringify(request), at: performance.now() };
    return job;
  }

  /** Whether a job of this very request was made a moment ago. */
  private isJustMade(request: Record<string, unknown>): boolean {
    return performance.now() - this.made.at < DOUBLE && this.made.request === JSON.stringify(request);
  }

  /** POST, once more with the same key where the answer was lost on its way. */
  private async post(path: string, body: unknown): Promise<JobSummary> {
    try {
      return await this.api.send<JobSummary>('POST', path, body);
    } catch (error) {
      if (error instanceof ApiError && error.isUnreachable) {
        return this.api.send<JobSummary>('POST', path, body);
      }
      throw error;
    }
  }

  private request(part: Part): Record<string, unknown> {
    return {
      text: this.document.text,
      source: this.document.source,
      params: this.params,
      selection: selection(part),
      backend: this.backend,
      cache: this.usesCache
    };
  }

  private async asking<T>(words: string, ask: () => Promise<T>): Promise<T | null> {
    this._busy = words;
    this._trouble = null;
    this._problems = [];
    this._plan = null;
    this._changed.emit();
    try {
      return await ask();
    } catch (error) {
      this.failure = error;
      this._trouble = troubleOf(error);
      const found = problemsOf(error, this.document.text, this.document.graph);
      this._problems = found.length ? found : this._problems;
      return null;
    } finally {
      this._busy = '';
      this._changed.emit();
    }
  }

  /** Whether a job is being made: whoever presses twice means one. */
  private get isStarting(): boolean {
    return this._busy === this.starting;
  }

  private get starting(): string {
    return this.trans.__('Starting…');
  }

  private readonly _changed = new Signal<this, void>(this);
  private _busy = '';
  private _plan: PlanView | null = null;
  private _problems: readonly Problem[] = [];
  private _trouble: Trouble | null = null;
  private failure: unknown = null;
  private made = { request: '', at: -Infinity };
}

/** The words of any error. */
export function troubleOf(error: unknown): Trouble {
  return error instanceof ApiError
    ? { message: error.message, hint: error.hint }
    : { message: error instanceof Error ? error.message : String(error), hint: '' };
}

function selection(part: Part): Record<string, unknown> {
  return { only: part.only ?? [], from: part.from ?? [], until: [] };
}

function names(tasks: readonly { task: string }[]): string {
  const shown = tasks.slice(0, 5).map(each => each.task);
  return shown.join(', ') + (tasks.length > 5 ? ' …' : '');
}
