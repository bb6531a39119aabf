/** What a task instance used over time: processors, memory, GPUs; beside what it asked for. */
import * as React from 'react';

import type { UsageSample, UsageSeries } from '../generated';
import type { Point } from '../viewers/chart';
import { Curve, type CurveProps } from '../viewers/curve';
import { TaskPanel, taskRoute } from './task_panel';
import { bytes, numberOf, slotLabel } from '../words';

const MIB = 2 ** 20;
const GIB = 2 ** 30;

/** The dock's tab "Resources". */
export class ResourcesPanel extends TaskPanel {
  protected async ask(signal: AbortSignal): Promise<void> {
    const route = `${taskRoute(this.job, this.path)}/usage/samples`;
    this.samples = (await this.context.api.get<UsageSeries>(route, {}, signal)).samples;
  }

  protected present(): JSX.Element {
    const { trans } = this.context;
    const asked = Object.entries(this.instance?.resources ?? {});
    const last = this.samples[this.samples.length - 1];
    return (
      <>
        <table className="ft-TaskPanel-facts" aria-label={trans.__('Resources')}>
          <tbody>
            {asked.map(([slot, amount]) => (
              <Fact key={slot} name={trans.__('%1 asked for', slotLabel(slot, trans))} value={amount} />
            ))}
            {peakOf(this.instance?.usage) !== null && (
              <Fact name={trans.__('Peak memory')} value={bytes(peakOf(this.instance?.usage) ?? 0)} />
            )}
            {last && this.isRunning && (
              <>
                <Fact name={trans.__('Memory now')} value={bytes(last.mem)} />
                <Fact name={trans.__('Processes now')} value={String(last.processes)} />
              </>
            )}
          </tbody>
        </table>
        {this.samples.length < 2 ? (
          <p className="ft-TaskPanel-hint">
            {trans.__('Curves appear once a task has run for some seconds.')}
          </p>
        ) : (
          <div className="ft-Curves">
            {this.curves().map(curve => (
              <Curve key={curve.title} {...curve} trans={trans} />
            ))}
          </div>
        )}
      </>
    );
  }

  private curves(): Omit<CurveProps, 'trans'>[] {
    const { trans } = this.context;
    const over = (title: string, value: (sample: UsageSample) => number | null, asked?: number | null) => ({
      title,
      x: null,
      points: this.samples.flatMap((sample): Point[] => {
        const found = value(sample);
        return found === null ? [] : [[Date.parse(sample.at), found]];
      }),
      limit: asked ? { value: asked, label: trans.__('asked for') } : null
    });
    const { cpu, mem } = this.instance?.resources ?? {};
    const memory = numberOf(mem);
    const isLarge = Math.max(memory ?? 0, ...this.samples.map(sample => sample.mem)) >= GIB;
    const unit = isLarge ? GIB : MIB;
    const gpus = [...new Set(this.samples.flatMap(sample => (sample.gpu ?? []).map(gpu => gpu.index)))];
    return [
      over(trans.__('Processor (cores)'), sample => sample.cpu, Number(cpu) || null),
      over(
        isLarge ? trans.__('Memory (GiB)') : trans.__('Memory (MiB)'),
        sample => sample.mem / unit,
        memory === null ? null : memory / unit
      ),
      ...gpus.map(index =>
        over(
          trans.__('GPU %1 (%)', index),
          sample => sample.gpu?.find(gpu => gpu.index === index)?.util ?? null
        )
      )
    ];
  }

  private samples: readonly UsageSample[] = [];
}

function peakOf(usage: Readonly<Record<string, unknown>> | undefined): number | null {
  const peak = usage?.['peak_mem'];
  return typeof peak === 'number' ? peak : null;
}

/** A row of a table of facts. */
export function Fact(props: { name: string; value: React.ReactNode }): JSX.Element {
  return (
    <tr>
      <th scope="row">{props.name}</th>
      <td>{props.value}</td>
    </tr>
  );
}
