/** Resource slots as sliders up to what the backend has, beside the written quantity; any slot name can be added. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { Json } from './edits';
import { isMapping } from './properties_fields';
import { CommitText, SmallButton } from './properties_controls';
import type { SlotOffer } from './properties_offers';
import { nearestStop, parseQuantity, quantityWords, scaleOf, writeQuantity } from './properties_quantities';

/** Slots that a form always shows, whatever the backend offers. */
const USUAL = ['cpu', 'mem'];

interface SlotProps {
  slot: string;
  value: Json | undefined;
  inherited: Json | undefined;
  offer?: SlotOffer;
  trans: TranslationBundle;
  onCommit(value: Json | undefined): void;
}

/** All slots of a task. */
export function Resources(props: {
  label: string;
  value: Json | undefined;
  /** What the pipeline gives, slot by slot. */
  inherited: Json | undefined;
  slots: readonly SlotOffer[];
  trans: TranslationBundle;
  onCommit(value: Json): void;
}): JSX.Element {
  const { trans, slots, onCommit } = props;
  const written = isMapping(props.value) ? props.value : {};
  const given = isMapping(props.inherited) ? props.inherited : {};
  const offered = new Map(slots.map(offer => [offer.name, offer]));
  const names = [...new Set([...USUAL, ...offered.keys(), ...Object.keys(given), ...Object.keys(written)])];
  const put = (slot: string, value: Json | undefined): void => {
    const others = Object.entries(written).filter(([name]) => name !== slot);
    onCommit(value === undefined ? Object.fromEntries(others) : { ...written, [slot]: value });
  };
  return (
    <div role="group" aria-label={props.label} className="ft-Form-rows">
      {names.map(slot => (
        <Slot
          key={slot}
          slot={slot}
          value={written[slot]}
          inherited={given[slot]}
          offer={offered.get(slot)}
          trans={trans}
          onCommit={value => put(slot, value)}
        />
      ))}
      <CommitText
        label={trans.__('Add a resource slot')}
        placeholder={trans.__('Add a slot, such as cuda.device')}
        value=""
        options={['cuda.device', 'cuda.shares', 'rocm.device'].map(value => ({ value }))}
        onCommit={name => name.trim() && put(name.trim(), 1)}
      />
    </div>
  );
}

function Slot({ slot, value, inherited, offer, trans, onCommit }: SlotProps): JSX.Element {
  const amount = parseQuantity(value ?? inherited);
  const total = offer && parseQuantity(offer.total);
  return (
    <div className="ft-Form-slot">
      <span className="ft-Form-slotName">{slotWords(slot, trans)}</span>
      {total ? (
        <SlotSlider slot={slot} amount={amount} total={total} trans={trans} onCommit={onCommit} />
      ) : (
        <span />
      )}
      <CommitText
        label={trans.__('Amount of %1', slotWords(slot, trans))}
        value={value === undefined ? '' : String(value)}
        placeholder={inherited === undefined ? trans.__('default') : String(inherited)}
        onCommit={text => onCommit(text.trim() === '' ? undefined : asWritten(text.trim()))}
      />
      <SmallButton
        label={trans.__('Remove %1', slotWords(slot, trans))}
        face="✕"
        isDisabled={value === undefined}
        onClick={() => onCommit(undefined)}
      />
      {offer && total !== undefined && (amount ?? 0) > total && (
        <span className="ft-Form-warning" role="note">
          {trans.__('This backend has %1', quantityWords(slot, offer.total))}
        </span>
      )}
    </div>
  );
}

function SlotSlider(props: {
  slot: string;
  amount?: number;
  total: number;
  trans: TranslationBundle;
  onCommit(value: Json | undefined): void;
}): JSX.Element {
  const { slot, amount, total, trans, onCommit } = props;
  const scale = React.useMemo(() => scaleOf(slot, total), [slot, total]);
  const [draft, setDraft] = React.useState<number | null>(null);
  const at = draft ?? nearestStop(scale, amount ?? 0);
  const written = writeQuantity(slot, scale.stops[at]);
  const commit = (): void => {
    if (draft !== null) {
      onCommit(scale.stops[draft] === 0 ? undefined : written);
    }
    setDraft(null);
  };
  return (
    <input
      type="range"
      min={0}
      max={scale.stops.length - 1}
      step={1}
      value={at}
      aria-label={trans.__(
        '%1, up to %2',
        slotWords(slot, trans),
        quantityWords(slot, writeQuantity(slot, total))
      )}
      aria-valuetext={
        amount === undefined && draft === null ? trans.__('default') : quantityWords(slot, written)
      }
      title={`${quantityWords(slot, written)} / ${quantityWords(slot, writeQuantity(slot, total))}`}
      onChange={event => setDraft(Number(event.target.value))}
      onPointerUp={commit}
      onKeyUp={commit}
      onBlur={commit}
    />
  );
}

/** A slot's name for people. */
export function slotWords(slot: string, trans: TranslationBundle): string {
  switch (slot) {
    case 'cpu':
      return trans.__('CPU cores');
    case 'mem':
      return trans.__('Memory');
    case 'cuda.device':
      return trans.__('GPUs');
    case 'cuda.shares':
      return trans.__('GPU share');
    default:
      return slot;
  }
}

function asWritten(text: string): Json {
  return /^[0-9]*\.?[0-9]+$/.test(text) ? Number(text) : text;
}
