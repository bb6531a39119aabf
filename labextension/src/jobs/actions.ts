/** What a person does with jobs: asked first where it destroys, told of when it is done or refused. */
import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { UUID } from '@lumino/coreutils';

import { word, type Api } from '../api';
import type { DeletedJobs, JobPatch, JobSummary, RerunRequest } from '../generated';
import { isEnded, stateOf } from '../status';
import type { Jobs } from './model';
import type { PanelSettings } from './settings';
import { sentence, troubleOf } from '../words';
import { jobTitle } from './words';

/** Acts on jobs in the person's name. */
export class JobActions {
  /** `open` shows a job; it stands on the toasts. */
  constructor(
    private readonly api: Api,
    private readonly jobs: Jobs,
    private readonly settings: PanelSettings,
    private readonly open: (job: JobSummary) => void,
    private readonly trans: TranslationBundle
  ) {}

  /** Ask for the end of those that have not ended. */
  async cancel(jobs: readonly JobSummary[]): Promise<void> {
    const living = jobs.filter(job => !isEnded(stateOf(job)));
    const trans = this.trans;
    if (living.length === 0 || (this.settings.confirmCancel && !(await this._isCancelMeant(living)))) {
      return;
    }
    const ends = await Promise.allSettled(
      living.map(job => this.api.send<JobSummary>('POST', `jobs/${word(job.id)}/cancel`))
    );
    this._tellFailures(ends, trans.__('Not cancelled'));
    this.jobs.refresh();
  }

  /** Make a new job from an old one; with `fromFailed`, what succeeded is used again. */
  async rerun(job: JobSummary, fromFailed: boolean): Promise<void> {
    if (this.rerunning.has(job.id)) {
      return; // pressed twice
    }
    this.rerunning.add(job.id);
    const body: Partial<RerunRequest> = { from_failed: fromFailed, key: UUID.uuid4() };
    try {
      const made = await this.api.send<JobSummary>('POST', `jobs/${word(job.id)}/rerun`, body);
      this.jobs.refresh();
      Notification.info(this.trans.__('%1 started', jobTitle(made)), {
        autoClose: 5000,
        actions: [{ label: this.trans.__('Show'), callback: () => this.open(made) }]
      });
    } catch (error) {
      this.tell(error);
    } finally {
      this.rerunning.delete(job.id);
    }
  }

  /** Forget jobs; returns the ids of those that are gone. */
  async delete(jobs: readonly JobSummary[]): Promise<readonly string[]> {
    if (jobs.length === 0 || (this.settings.confirmDelete && !(await this._isDeleteMeant(jobs)))) {
      return [];
    }
    try {
      const ids = jobs.map(job => job.id);
      const { deleted, refused } = await this.api.send<DeletedJobs>('POST', 'jobs/delete', { jobs: ids });
      if (refused.length > 0) {
        const told = [...new Set(refused.map(each => sentence(each)))];
        Notification.warning(
          this.trans._n(
            '%1 job was kept: %2',
            '%1 jobs were kept: %2',
            refused.length,
            told.slice(0, 3).join(' ')
          )
        );
      }
      this.jobs.touch(deleted);
      return deleted;
    } catch (error) {
      this.tell(error);
      return [];
    }
  }

  /** Change a person's words on a job; null where that was refused. */
  async annotate(job: JobSummary, patch: Partial<JobPatch>): Promise<JobSummary | null> {
    try {
      const changed = await this.api.send<JobSummary>('PATCH', `jobs/${word(job.id)}`, patch);
      this.jobs.touch([changed.id]);
      return changed;
    } catch (error) {
      this.tell(error);
      return null;
    }
  }

  /** Say what went wrong. */
  tell(error: unknown): void {
    Notification.error(sentence(troubleOf(error)), { autoClose: 10_000 });
  }

  private _tellFailures(ends: readonly PromiseSettledResult<unknown>[], title: string): void {
    const reasons = ends.flatMap(end => (end.status === 'rejected' ? [troubleOf(end.reason)] : []));
    const told = [...new Set(reasons.map(sentence))];
    if (told.length > 0) {
      Notification.error(`${title}: ${told.slice(0, 3).join(' ')}`, { autoClose: 10_000 });
    }
  }

  private async _isCancelMeant(jobs: readonly JobSummary[]): Promise<boolean> {
    const trans = this.trans;
    return this._isMeant(
      jobs.length === 1
        ? trans.__('Cancel %1?', jobTitle(jobs[0]))
        : trans.__('Cancel %1 jobs?', jobs.length),
      trans.__('Tasks that run are stopped; what they have written so far is kept.'),
      trans.__('Cancel jobs'),
      trans.__('Let them run')
    );
  }

  private async _isDeleteMeant(jobs: readonly JobSummary[]): Promise<boolean> {
    const trans = this.trans;
    return this._isMeant(
      jobs.length === 1
        ? trans.__('Delete %1?', jobTitle(jobs[0]))
        : trans.__('Delete %1 jobs?', jobs.length),
      trans.__('Their logs and records are gone for good; unfinished jobs are kept.'),
      trans.__('Delete'),
      trans.__('Keep')
    );
  }

  private async _isMeant(title: string, body: string, yes: string, no: string): Promise<boolean> {
    const buttons = [Dialog.cancelButton({ label: no }), Dialog.warnButton({ label: yes })];
    return (await showDialog({ title, body, buttons, defaultButton: 0 })).button.accept;
  }

  private readonly rerunning = new Set<string>();
}
