/** Above the list of jobs: what is looked for, and what to do with what is selected. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { JobSummary } from '../generated';
import { isEnded, stateOf, stateWord, type State } from '../status';
import { CHIPS, countsOf, type JobsList } from './jobs_list_model';
import { StateIcon, TextButton } from './panel_parts';

const PAUSE = 250;

/** Search, state chips with counts, tag. */
export function JobsFilterBar(props: { list: JobsList; trans: TranslationBundle }): JSX.Element {
  const { list, trans } = props;
  const counts = countsOf(list.counts);
  const toggle = (state: State): void => {
    const { states } = list.filter;
    list.setFilter({
      states: states.includes(state) ? states.filter(each => each !== state) : [...states, state]
    });
  };
  return (
    <div className="jp-ft-filter" role="search" aria-label={trans.__('Which jobs')}>
      <div className="jp-ft-filter-words">
        <SearchField list={list} trans={trans} />
        <TagField list={list} trans={trans} />
      </div>
      {list.filter.pipeline === null ? null : (
        <button
          type="button"
          className="jp-ft-chip jp-ft-of"
          title={trans.__('Show the jobs of all pipelines')}
          onClick={() => list.setFilter({ pipeline: null })}
        >
          {trans.__('Only %1', list.filter.pipeline)}
          <span aria-hidden>×</span>
        </button>
      )}
      <div className="jp-ft-chips" role="group" aria-label={trans.__('States')}>
        {CHIPS.map(state => (
          <button
            key={state}
            type="button"
            className="jp-ft-chip"
            aria-pressed={list.filter.states.includes(state)}
            aria-label={trans.__('%1: %2', stateWord(state, trans), counts[state] ?? 0)}
            title={stateWord(state, trans)}
            onClick={() => toggle(state)}
          >
            <StateIcon state={state} trans={trans} isSilent />
            <span>{counts[state] ?? '–'}</span>
          </button>
        ))}
      </div>
    </div>
  );
}

/** Free text; asked for when the typing pauses. */
function SearchField(props: { list: JobsList; trans: TranslationBundle }): JSX.Element {
  const { list, trans } = props;
  const [text, setText] = React.useState(list.filter.text);
  React.useEffect(() => setText(list.filter.text), [list.filter.text]);
  React.useEffect(() => {
    const timer = setTimeout(() => text !== list.filter.text && list.setFilter({ text }), PAUSE);
    return () => clearTimeout(timer);
  }, [text, list]);
  return (
    <input
      type="search"
      className="jp-ft-search"
      value={text}
      placeholder={trans.__('Search jobs')}
      aria-label={trans.__('Search jobs by name, pipeline, tag, note or #index')}
      onChange={event => setText(event.target.value)}
    />
  );
}

function TagField(props: { list: JobsList; trans: TranslationBundle }): JSX.Element | null {
  const { list, trans } = props;
  const { tag } = list.filter;
  const tags =
    list.tags.some(each => each.tag === tag) || tag === null ? list.tags : [{ tag, jobs: 0 }, ...list.tags];
  if (tags.length === 0) {
    return null;
  }
  return (
    <select
      className="jp-ft-select"
      aria-label={trans.__('Tag')}
      value={tag ?? ''}
      onChange={event => list.setFilter({ tag: event.target.value || null })}
    >
      <option value="">{trans.__('All tags')}</option>
      {tags.map(each => (
        <option key={each.tag} value={each.tag}>
          {`${each.tag} (${each.jobs})`}
        </option>
      ))}
    </select>
  );
}

/** What to do with many. */
export function JobsSelectionBar(props: {
  list: JobsList;
  trans: TranslationBundle;
  onCompare: (jobs: readonly JobSummary[]) => void;
  onCancel: (jobs: readonly JobSummary[]) => void;
  onDelete: (jobs: readonly JobSummary[]) => void;
}): JSX.Element {
  const { list, trans } = props;
  const selected = list.selected;
  const living = selected.filter(job => !isEnded(stateOf(job)));
  const clear = (): void => {
    list.selection.clear();
    list.changedNow();
  };
  return (
    <div className="jp-ft-selection" role="toolbar" aria-label={trans.__('Selected jobs')}>
      <span aria-live="polite">{trans._n('%1 selected', '%1 selected', selected.length)}</span>
      <TextButton label={trans.__('Compare')} onClick={() => props.onCompare(selected)} />
      {living.length > 0 ? (
        <TextButton label={trans.__('Cancel')} onClick={() => props.onCancel(living)} />
      ) : null}
      <TextButton label={trans.__('Delete')} kind="danger" onClick={() => props.onDelete(selected)} />
      <TextButton label={trans.__('Clear')} onClick={clear} />
    </div>
  );
}
