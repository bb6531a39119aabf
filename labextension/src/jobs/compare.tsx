/** Jobs side by side: what they were given, what came out, their curves and matrices. */
import { Clipboard, Notification } from '@jupyterlab/apputils';
import * as React from 'react';

import type { Api } from '../api';
import { useAnswer, Waiting, type Freshness } from '../asking';
import type { JobComparison } from '../generated';
import { SeenWidget } from '../seen_widget';
import { isEnded, stateOf } from '../status';
import { Swatch } from '../viewers/line_chart';
import { lookOf } from '../viewers/looks';
import { Toggle } from '../viewers/metrics';
import type { TranslationBundle } from '@jupyterlab/translation';
import { CompareCurves, CompareFigures } from './compare_curves';
import { csvOf, namesOf, nextGoal, sectionsOf, titleOf, type Goal, type Row } from './compare_model';
import { ComparePlots } from './compare_plots';
import { CompareTable } from './compare_table';
import { comparisonIcon } from './icons';

const AGAIN = 4000;

/** What the view is made with. */
export interface CompareContext {
  api: Api;
  trans: TranslationBundle;
  /** Opens a job's view. */
  open(job: string): void;
}

/** See the head of this file. */
export class ComparePanel extends SeenWidget {
  constructor(
    private readonly context: CompareContext,
    readonly jobs: readonly string[]
  ) {
    super();
    this.addClass('ft-Compare');
    this.node.tabIndex = -1;
    this.title.icon = comparisonIcon;
    this.title.label = context.trans.__('Comparison of %1 jobs', jobs.length);
  }

  protected view(fresh: Freshness): JSX.Element {
    const onTitle = (title: string): void => {
      this.title.label = title;
    };
    return <Compare context={this.context} jobs={this.jobs} fresh={fresh} onTitle={onTitle} />;
  }
}

function Compare(props: {
  context: CompareContext;
  jobs: readonly string[];
  fresh: Freshness;
  onTitle(title: string): void;
}): JSX.Element {
  const { context, jobs, fresh } = props;
  const { api, trans } = context;
  const [isLive, setLive] = React.useState(true);
  const asked = useAnswer(
    signal => api.get<JobComparison>('compare', { job: jobs }, signal),
    jobs.join(' '),
    { ...fresh, every: isLive ? AGAIN : undefined }
  );
  const found = asked.value;
  React.useEffect(() => {
    if (found) {
      setLive(found.jobs.some(job => !isEnded(stateOf(job))));
      props.onTitle(titleOf(found.jobs, trans));
    }
  }, [found]);
  return (
    <>
      <Waiting asked={asked} trans={trans} />
      {found && <Shown found={found} context={context} />}
    </>
  );
}

function Shown({ found, context }: { found: JobComparison; context: CompareContext }): JSX.Element {
  const { trans } = context;
  const [isAll, setAll] = React.useState(false);
  const [query, setQuery] = React.useState('');
  const [goals, setGoals] = React.useState<ReadonlyMap<string, Goal>>(new Map());
  const [hidden, setHidden] = React.useState<ReadonlySet<string>>(new Set());
  const [inBrush, setInBrush] = React.useState<readonly boolean[] | null>(null);
  const sections = React.useMemo(() => sectionsOf(found, goals, trans), [found, goals]);
  const isShown = found.jobs.map((job, at) => !hidden.has(job.id) && (inBrush?.[at] ?? true));
  const names = namesOf(found.jobs);
  const turnGoal = ({ id, goal }: Row): void => setGoals(new Map(goals).set(id, nextGoal(goal)));
  const turn = (id: string): void => {
    const next = new Set(hidden);
    if (!next.delete(id)) {
      next.add(id);
    }
    setHidden(next);
  };
  return (
    <>
      <div className="ft-Compare-bar" role="toolbar" aria-label={trans.__('Comparison')}>
        <input
          type="search"
          className="jp-mod-styled"
          value={query}
          placeholder={trans.__('Find a parameter, metric or task')}
          aria-label={trans.__('Find a parameter, metric or task')}
          onChange={event => setQuery(event.target.value)}
        />
        <Toggle label={trans.__('Also what is the same')} isOn={isAll} onChange={setAll} />
        <button type="button" className="ft-Button" onClick={() => copy(found, trans)}>
          {trans.__('Copy as CSV')}
        </button>
        <div className="ft-Legend" role="group" aria-label={trans.__('Jobs that are shown')}>
          {found.jobs.map((job, at) => (
            <button
              key={job.id}
              type="button"
              className="ft-Legend-one"
              aria-pressed={!hidden.has(job.id)}
              data-dimmed={!isShown[at]}
              title={names[at]}
              onClick={() => turn(job.id)}
            >
              <Swatch look={lookOf(at)} />
              <span>{names[at]}</span>
            </button>
          ))}
        </div>
      </div>
      <CompareTable
        {...{ found, sections, names, isShown, isAll, query, trans }}
        onOpen={context.open}
        onGoal={turnGoal}
      />
      {found.jobs.length > 2 && (
        <ComparePlots {...{ found, sections, names, trans }} isShown={isShown} onBrush={setInBrush} />
      )}
      <CompareFigures {...{ found, names, isShown, trans }} />
      <CompareCurves {...{ found, names, isShown, trans }} api={context.api} />
      {found.left_out?.map(words => (
        <p key={words} className="ft-TaskPanel-hint">
          {trans.__('Left out: %1', words)}
        </p>
      ))}
    </>
  );
}

function copy(found: JobComparison, trans: TranslationBundle): void {
  Clipboard.copyToSystem(csvOf(found));
  Notification.success(trans.__('The table is on the clipboard, as CSV.'), { autoClose: 2500 });
}
