/** Where something comes from and what became of it: a tree to walk, and what is known of the line one stands on. */
import { Clipboard } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { Api } from '../api';
import { useAnswer, Waiting, type Freshness } from '../asking';
import type { LineageNode, LineageView } from '../generated';
import { SeenWidget } from '../seen_widget';
import { ICONS, type State } from '../status';
import { exact } from '../time';
import { lineageIcon } from './icons';
import { edgeWords, rowsOf, stepIn, type LineageRow } from './lineage_model';

/** What is asked for: a task instance or an output of it (`train.model`), or a version of a model (`digits@3`). */
export type LineageOf = { job: string; task: string } | { model: string; backend: string };

/** What the view is made with. */
export interface LineageContext {
  api: Api;
  trans: TranslationBundle;
  /** Opens a job's view. */
  open(job: string): void;
}

/** See the head of this file. */
export class LineagePanel extends SeenWidget {
  constructor(
    private readonly context: LineageContext,
    readonly of: LineageOf
  ) {
    super();
    this.addClass('ft-Lineage');
    this.node.tabIndex = -1;
    this.title.icon = lineageIcon;
    this.title.label = context.trans.__('Lineage of %1', 'task' in of ? of.task : of.model);
  }

  protected view(fresh: Freshness): JSX.Element {
    return <Lineage {...this.context} of={this.of} fresh={fresh} />;
  }
}

function Lineage(props: LineageContext & { of: LineageOf; fresh: Freshness }): JSX.Element {
  const { api, trans, of, fresh } = props;
  const asked = useAnswer(
    signal => api.get<LineageView>('lineage', { ...of }, signal),
    JSON.stringify(of),
    fresh
  );
  const view = asked.value;
  return (
    <>
      <Waiting asked={asked} trans={trans} />
      {view && (
        <>
          <header>
            <h2>{view.asked}</h2>
            {view.note && <p className="ft-TaskPanel-hint">{view.note}</p>}
            {view.truncated && (
              <p className="ft-TaskPanel-hint">{trans.__('There is more than is shown here.')}</p>
            )}
            <button type="button" className="ft-Button" onClick={asked.again}>
              {trans.__('Ask anew')}
            </button>
          </header>
          <Tree {...props} view={view} />
        </>
      )}
    </>
  );
}

function Tree(props: LineageContext & { view: LineageView }): JSX.Element {
  const { view, trans } = props;
  const [open, setOpen] = React.useState<ReadonlySet<string>>(new Set(['back', 'forward']));
  const [active, setActive] = React.useState('back');
  const tree = React.useRef<HTMLUListElement>(null);
  const rows = React.useMemo(() => rowsOf(view, open), [view, open]);
  const row = rows.find(({ key }) => key === active) ?? rows[0];
  const node = row.node ?? view.nodes.find(({ id }) => id === view.subject);
  const toggle = (key: string): void => {
    const next = new Set(open);
    setOpen(next.delete(key) ? next : next.add(key));
  };
  const onKeyDown = (event: React.KeyboardEvent): void => {
    const step = stepIn(rows, row.key, event.key);
    if (event.key === 'Enter' && node?.job) {
      props.open(node.job);
    } else if (step?.toggle !== undefined) {
      toggle(step.toggle);
    } else if (step?.active !== undefined) {
      setActive(step.active);
      const at = rows.findIndex(({ key }) => key === step.active);
      tree.current?.querySelectorAll<HTMLElement>('[role=treeitem]')[at]?.focus();
    }
    if (step || event.key === 'Enter') {
      event.preventDefault();
    }
  };
  return (
    <div className="ft-Lineage-sides">
      <ul ref={tree} role="tree" aria-label={trans.__('Lineage')} onKeyDown={onKeyDown}>
        {rows.map(each => (
          <Line
            key={each.key}
            row={each}
            isActive={each.key === row.key}
            trans={trans}
            onChoose={() => setActive(each.key)}
            onToggle={() => toggle(each.key)}
            onOpen={() => each.node?.job && props.open(each.node.job)}
          />
        ))}
      </ul>
      {node && <Details {...props} node={node} isSubject={node.id === view.subject} />}
    </div>
  );
}

function Line(props: {
  row: LineageRow;
  isActive: boolean;
  trans: TranslationBundle;
  onChoose(): void;
  onToggle(): void;
  onOpen(): void;
}): JSX.Element {
  const { row, isActive, trans } = props;
  const words = edgeWords(row.edges);
  return (
    <li
      role="treeitem"
      className="ft-Lineage-line"
      aria-level={row.level}
      aria-posinset={row.position}
      aria-setsize={row.siblings}
      aria-expanded={row.children > 0 ? row.isOpen : undefined}
      aria-selected={isActive}
      tabIndex={isActive ? 0 : -1}
      style={{ paddingInlineStart: (row.level - 1) * 18 + 4 }}
      onFocus={props.onChoose}
      onClick={props.onChoose}
      onDoubleClick={props.onOpen}
    >
      <span className="ft-Lineage-twist" aria-hidden="true" onClick={props.onToggle}>
        {row.children === 0 ? '' : row.isOpen ? '▾' : '▸'}
      </span>
      {row.node ? <NodeName node={row.node} /> : <strong>{headingOf(row, trans)}</strong>}
      {words && <small>{words}</small>}
    </li>
  );
}

function headingOf({ direction, children }: LineageRow, trans: TranslationBundle): string {
  if (direction === 'back') {
    return children > 0 ? trans.__('Made of') : trans.__('Made of nothing that is known');
  }
  return children > 0 ? trans.__('Used by') : trans.__('Used by nothing so far');
}

const RESULTS: Readonly<Record<string, State>> = { SUCCESS: 'success', FAILURE: 'failure' };

function NodeName({ node }: { node: LineageNode }): JSX.Element {
  const state = RESULTS[node.result ?? ''];
  const face = node.kind === 'model' ? '◆' : node.kind === 'service' ? '☁' : state ? ICONS[state] : '○';
  return (
    <>
      <span className={state ? `ft-State ft-mod-${state}` : 'ft-State'} aria-hidden="true">
        {face}
      </span>
      <span>{node.name}</span>
    </>
  );
}

function Details(
  props: LineageContext & { view: LineageView; node: LineageNode; isSubject: boolean }
): JSX.Element {
  const { node, view, trans, isSubject } = props;
  const { job } = node;
  const params = Object.entries(node.params ?? {});
  const facts: [string, string | null][] = [
    [trans.__('Ended'), node.ended_at && exact(node.ended_at, trans)],
    [trans.__('Backend'), node.backend],
    [trans.__('Image'), node.image],
    [trans.__('Commit'), node.commit],
    [
      trans.__('Parameters'),
      params.map(([name, value]) => `${name} = ${JSON.stringify(value)}`).join('\n') || null
    ],
    [trans.__('Files of the code'), isSubject && view.files.length > 0 ? view.files.join('\n') : null],
    [trans.__('Outputs folder'), node.outputs_dir],
    [trans.__('Reused by'), node.reused_by?.length ? node.reused_by.join(', ') : null]
  ];
  return (
    <section className="ft-Lineage-details" aria-label={trans.__('About %1', node.name)}>
      <h3>{node.name}</h3>
      {job !== null && (
        <button type="button" className="ft-Button" onClick={() => props.open(job)}>
          {trans.__('Open the job')}
        </button>
      )}
      <dl>
        {facts.map(([name, value]) => value && <Fact key={name} name={name} value={value} />)}
        {node.code && (
          <Fact name={trans.__('Digest of the code')} value={node.code}>
            <CopyButton text={node.code} trans={trans} />
          </Fact>
        )}
      </dl>
      {node.command && (
        <pre tabIndex={0} aria-label={trans.__('Command')}>
          {node.command}
        </pre>
      )}
    </section>
  );
}

function CopyButton({ text, trans }: { text: string; trans: TranslationBundle }): JSX.Element {
  const [isCopied, setCopied] = React.useState(false);
  const copy = (): void => {
    Clipboard.copyToSystem(text);
    setCopied(true);
  };
  return (
    <button type="button" className="ft-Button" onClick={copy}>
      {isCopied ? trans.__('Copied') : trans.__('Copy digest')}
    </button>
  );
}

function Fact(props: { name: string; value: string; children?: React.ReactNode }): JSX.Element {
  return (
    <>
      <dt>{props.name}</dt>
      <dd>
        {props.value} {props.children}
      </dd>
    </>
  );
}
