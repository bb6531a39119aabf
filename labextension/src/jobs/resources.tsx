/** What a task instance used over time: processors, memory, GPUs; beside what it asked for. */
import * as React from 'react';

import type { UsageSample, UsageSeries } from '../generated';
import { lineChart, themeOf, VEGA_LITE, type ChartOf, type ChartRow } from './chart';
import { Rendered } from './rendered';
import { TaskPanel, taskRoute } from './task_panel';
import { bytes, slotLabel } from './words';

const GIB = 2 ** 30;

/** The dock's tab "Resources". */
export class ResourcesPanel extends TaskPanel {
  protected async ask(signal: AbortSignal): Promise<void> {
    const route = `${taskRoute(this.job, this.path)}/usage/samples`;
    this.samples = (await this.context.api.get<UsageSeries>(route, {}, signal)).samples;
  }

  protected present(): JSX.Element {
    const { trans, rendermime } = this.context;
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
          this.charts().map(chart => (
            <Rendered
              key={chart.title}
              rendermime={rendermime}
              type={VEGA_LITE}
              data={lineChart(chart, themeOf(this.node))}
              label={chart.title}
            />
          ))
        )}
      </>
    );
  }

  private charts(): ChartOf[] {
    const { trans } = this.context;
    const over = { x: 'at', isTime: true, height: 110 };
    const rows = this.samples.map(rowOf);
    const gpus = Object.keys(rows[rows.length - 1]).filter(name => name.startsWith('GPU '));
    return [
      { ...over, rows, y: ['cores'], title: trans.__('Processor (cores)') },
      { ...over, rows, y: ['GiB'], title: trans.__('Memory (GiB)') },
      ...(gpus.length ? [{ ...over, rows, y: gpus, title: trans.__('GPU (%)') }] : [])
    ];
  }

  private samples: readonly UsageSample[] = [];
}

function rowOf(sample: UsageSample): ChartRow {
  const gpus = (sample.gpu ?? []).map(gpu => [`GPU ${gpu.index}`, gpu.util] as const);
  return { at: sample.at, cores: sample.cpu, GiB: sample.mem / GIB, ...Object.fromEntries(gpus) };
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
