/** What the classification artifacts of one task instance tell: its matrices and its ROC curves. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { FiguresView } from '../generated';
import { Confusion, WholeChoice } from './confusion';
import { nameOf, type NamedCurve, type Whole } from './figures_model';
import { lookOf } from './looks';
import { cellWords } from './numbers';
import { Roc } from './roc';

/** See the head of this file; the slices of one artifact share a square. */
export function Figures({
  found,
  trans
}: {
  found: FiguresView;
  trans: TranslationBundle;
}): JSX.Element | null {
  const [whole, setWhole] = React.useState<Whole>('count');
  const outputs = [...new Set(found.classifications.map(({ output }) => output))];
  const numbers = Object.entries(found.numbers);
  const matrices = found.classifications.filter(({ matrix }) => matrix);
  if (outputs.length === 0 && numbers.length === 0 && found.left_out?.length === 0) {
    return null;
  }
  return (
    <div className="ft-Figures">
      {numbers.length > 0 && (
        <table className="ft-TaskPanel-facts" aria-label={trans.__('Numbers of its Metrics artifacts')}>
          <tbody>
            {numbers.map(([name, value]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>{cellWords(value, trans)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {matrices.length > 0 && <WholeChoice whole={whole} onChange={setWhole} trans={trans} />}
      <div className="ft-Figures-all">
        {matrices.map(
          each =>
            each.matrix && (
              <Confusion
                key={nameOf(each)}
                title={nameOf(each)}
                matrix={each.matrix}
                whole={whole}
                trans={trans}
              />
            )
        )}
        {outputs.map(output => {
          const curves = curvesOf(found, output);
          return curves.length > 0 && <Roc key={output} title={output} curves={curves} trans={trans} />;
        })}
      </div>
      {found.left_out?.map(words => (
        <p key={words} className="ft-TaskPanel-hint">
          {words}
        </p>
      ))}
    </div>
  );
}

function curvesOf(found: FiguresView, output: string): NamedCurve[] {
  return found.classifications
    .filter(each => each.output === output)
    .flatMap((each, index): NamedCurve[] =>
      each.curve
        ? [{ id: nameOf(each), label: each.slice ?? output, look: lookOf(index), curve: each.curve }]
        : []
    );
}
