/**
 * The list of jobs: a grid of which only the rows in sight exist, so that thousands cost nothing; one row takes the
 * Tab key's focus (roving tabindex), the arrows move it. Scrolling near the end fetches the next page.
 */
import { ReactWidget } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { JobPatch, JobSummary } from '../generated';
import { JobForm, JobRow, ROW } from './jobs_list_row';
import { JobsFilterBar, JobsSelectionBar } from './jobs_list_bars';
import { ALL, type JobsFilter, type JobsList } from './jobs_list_model';
import { Empty, TextButton, TroubleNote, useNow, useSignals } from './panel_parts';
import { paceOf } from '../time';

/** What the list's gestures do. */
export interface JobsListActions {
  open(job: JobSummary): void;
  cancel(jobs: readonly JobSummary[]): void;
  delete(jobs: readonly JobSummary[]): Promise<readonly string[]>;
  compare(jobs: readonly JobSummary[]): void;
  annotate(job: JobSummary, patch: Partial<JobPatch>): Promise<JobSummary | null>;
  /** Make and open the example pipeline. */
  example(): void;
}

const BEYOND = 6;

/** The section of jobs. */
export class JobsListWidget extends ReactWidget {
  constructor(
    readonly list: JobsList,
    private readonly actions: JobsListActions,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-ft-jobs');
  }

  /** Name, tag and note the job that the keyboard is on. */
  edit(): void {
    this._edited = this.list.selection.active;
    this.list.changedNow();
  }

  protected onAfterShow(): void {
    void this.list.reload();
  }

  protected render(): JSX.Element {
    return <JobsView list={this.list} actions={this.actions} trans={this.trans} edit={this._editing} />;
  }

  private _edited: string | null = null;
  private readonly _editing = {
    get: (): string | null => this._edited,
    set: (id: string | null): void => {
      this._edited = id;
      this.list.changedNow();
    }
  };
}

interface Editing {
  get(): string | null;
  set(id: string | null): void;
}

interface ViewProps {
  list: JobsList;
  actions: JobsListActions;
  trans: TranslationBundle;
  edit: Editing;
}

function JobsView(props: ViewProps): JSX.Element {
  const { list, actions, trans } = props;
  useSignals(list.changed);
  return (
    <>
      <JobsFilterBar list={list} trans={trans} />
      {list.selection.size > 1 ? (
        <JobsSelectionBar
          list={list}
          trans={trans}
          onCompare={actions.compare}
          onCancel={actions.cancel}
          onDelete={jobs => void drop(props, jobs)}
        />
      ) : null}
      {list.trouble && list.jobs.length === 0 ? (
        <TroubleNote
          trouble={list.trouble}
          label={trans.__('Try again')}
          onClick={() => void list.reload()}
        />
      ) : null}
      {list.jobs.length === 0 && !list.isLoading && !list.trouble ? (
        <NoJobs {...props} />
      ) : (
        <Grid {...props} />
      )}
    </>
  );
}

async function drop(props: ViewProps, jobs: readonly JobSummary[]): Promise<void> {
  props.list.drop(await props.actions.delete(jobs));
}

function isFiltered({ text, tag, pipeline, states }: JobsFilter): boolean {
  return text !== '' || tag !== null || pipeline !== null || states.length > 0;
}

function NoJobs(props: ViewProps): JSX.Element {
  const { list, trans } = props;
  if (isFiltered(list.filter)) {
    return (
      <Empty title={trans.__('No job is like that')}>
        <TextButton label={trans.__('Show all jobs')} onClick={() => list.setFilter(ALL)} />
      </Empty>
    );
  }
  return (
    <Empty title={trans.__('No job yet')}>
      <p>{trans.__('Run a pipeline, and each run of it is kept here: its status, logs and results.')}</p>
      <TextButton label={trans.__('Open the example')} onClick={() => props.actions.example()} />
    </Empty>
  );
}

/** What part of the list is in sight, in pixels. */
function useSight(box: React.RefObject<HTMLDivElement>): [number, number, () => void] {
  const [sight, setSight] = React.useState<[number, number]>([0, 600]);
  const look = React.useCallback(() => {
    if (box.current) {
      setSight([box.current.scrollTop, box.current.clientHeight]);
    }
  }, [box]);
  React.useEffect(() => {
    const observer = new ResizeObserver(look);
    if (box.current) {
      observer.observe(box.current);
    }
    return () => observer.disconnect();
  }, [box, look]);
  return [...sight, look];
}

function Grid(props: ViewProps): JSX.Element {
  const { list, actions, trans, edit } = props;
  const box = React.useRef<HTMLDivElement>(null);
  const [top, height, look] = useSight(box);
  const wants = useFocus(box, list);
  const isLive = list.jobs.some(job => job.status === 'RUNNING');
  const now = useNow(isLive ? 1000 : paceOf(list.jobs.map(job => job.created_at)));
  const first = Math.max(0, Math.floor(top / ROW) - BEYOND);
  const last = Math.min(list.jobs.length, Math.ceil((top + height) / ROW) + BEYOND);
  React.useEffect(() => {
    if ((list.jobs.length - BEYOND) * ROW < top + height) {
      void list.more();
    }
  }, [top, height, list.jobs.length, list]);
  const active = list.selection.active ?? list.jobs[0]?.id;
  const edited = list.jobs.findIndex(job => job.id === edit.get());
  const close = (): void => {
    wants.current = true;
    edit.set(null);
  };
  const inSight = list.jobs.slice(first, last).map((job, at): [JobSummary, number] => [job, first + at]);
  const at = list.jobs.findIndex(job => job.id === active);
  if (at >= 0 && (at < first || at >= last)) {
    inSight.push([list.jobs[at], at]); // the row that has the focus must not go when it is scrolled out of sight
  }
  return (
    <div ref={box} className="jp-ft-scroll" onScroll={look}>
      <div
        role="grid"
        aria-label={trans.__('Jobs')}
        aria-multiselectable
        aria-rowcount={list.total ?? -1}
        aria-busy={list.isLoading}
        className="jp-ft-grid"
        style={{ height: list.jobs.length * ROW + (edited >= 0 ? 3 * ROW : 0) }}
        onKeyDown={event => onKey(event, props, box.current, wants)}
      >
        {inSight.map(([job, place]) => (
          <JobRow
            key={job.id}
            job={job}
            place={place}
            isSelected={list.selection.has(job.id)}
            isActive={job.id === active}
            now={now}
            trans={trans}
            onSelect={event => onMouse(event, list, job.id)}
            onOpen={() => actions.open(job)}
            onTag={tag => list.setFilter({ tag })}
          />
        ))}
      </div>
      {edited >= 0 ? (
        <JobForm
          key={list.jobs[edited].id}
          job={list.jobs[edited]}
          top={edited * ROW}
          trans={trans}
          onClose={close}
          onSave={patch => void save(props, list.jobs[edited], patch).then(isKept => isKept && close())}
        />
      ) : null}
    </div>
  );
}

async function save(props: ViewProps, job: JobSummary, patch: Partial<JobPatch>): Promise<boolean> {
  const changed = await props.actions.annotate(job, patch);
  if (changed !== null) {
    props.list.put(changed);
  }
  return changed !== null;
}

function onMouse(event: React.MouseEvent, list: JobsList, id: string): void {
  const isMenu = event.button === 2 || (event.button === 0 && event.ctrlKey && isMac());
  if (isMenu && list.selection.has(id)) {
    list.selection.active = id;
  } else {
    const isMany = !isMenu && (event.ctrlKey || event.metaKey);
    list.selection.select(id, isMany ? 'toggle' : event.shiftKey ? 'range' : 'one');
  }
  list.changedNow();
}

function isMac(): boolean {
  return navigator.platform.startsWith('Mac');
}

/** Move and act by keys; what is not ours goes on to JupyterLab. */
function onKey(
  event: React.KeyboardEvent,
  props: ViewProps,
  box: HTMLElement | null,
  wants: React.MutableRefObject<boolean>
): void {
  const { list } = props;
  const page = Math.max(1, Math.floor((box?.clientHeight ?? ROW) / ROW) - 1);
  const steps: Record<string, number> = {
    ArrowDown: 1,
    ArrowUp: -1,
    PageDown: page,
    PageUp: -page,
    Home: -Infinity,
    End: Infinity
  };
  const id = list.selection.step(steps[event.key] ?? 0);
  if (event.key in steps && id !== null) {
    if (event.ctrlKey) {
      list.selection.active = id;
    } else {
      list.selection.select(id, event.shiftKey ? 'range' : 'one');
    }
    wants.current = true;
    bringIntoSight(box, list);
    list.changedNow();
  } else if (!onAct(event, props, id)) {
    return;
  }
  event.preventDefault();
  event.stopPropagation();
}

/** Whether the key was one of ours. */
function onAct(event: React.KeyboardEvent, props: ViewProps, id: string | null): boolean {
  const { list, actions, edit } = props;
  const job = list.jobs.find(each => each.id === id);
  const isCommand = event.ctrlKey || event.metaKey;
  if (job === undefined) {
    return false;
  }
  if (event.key === 'Enter') {
    actions.open(job);
  } else if (event.key === 'F2') {
    edit.set(job.id);
  } else if (event.key === 'Delete') {
    void drop(props, list.selection.size > 0 ? list.selected : [job]);
  } else if (event.key === ' ') {
    list.selection.select(job.id, isCommand ? 'toggle' : 'one');
    list.changedNow();
  } else if (event.key === 'a' && isCommand) {
    list.selection.selectAll();
    list.changedNow();
  } else if (event.key === 'Escape' && list.selection.size > 0) {
    list.selection.clear();
    list.changedNow();
  } else {
    return false;
  }
  return true;
}

function bringIntoSight(box: HTMLElement | null, list: JobsList): void {
  const at = list.jobs.findIndex(job => job.id === list.selection.active);
  if (box !== null && at >= 0) {
    const { scrollTop, clientHeight } = box;
    box.scrollTop = Math.min(at * ROW, Math.max(scrollTop, (at + 1) * ROW - clientHeight));
  }
}

/** Set it to have the active row take the focus as soon as it is drawn. */
function useFocus(box: React.RefObject<HTMLElement>, list: JobsList): React.MutableRefObject<boolean> {
  const wants = React.useRef(false);
  React.useLayoutEffect(() => {
    if (wants.current && list.selection.active !== null) {
      wants.current = false;
      const row = `[data-id="${CSS.escape(list.selection.active)}"]`;
      box.current?.querySelector<HTMLElement>(row)?.focus({ preventScroll: true });
    }
  });
  return wants;
}
