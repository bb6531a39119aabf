/** The lines above the panes: what keeps the editor from its work, and which job is shown. Each is said once, and goes away by itself. */
import { ReactWidget } from '@jupyterlab/apputils';
import * as React from 'react';

import type { State } from '../status';
import { ICONS } from '../status';

/** One line. */
export interface BannerLine {
  /** Tells lines apart, and how one looks: `job` is the tinted frame of a job's own graph. */
  kind: 'connection' | 'signed-out' | 'read-only' | 'job' | 'trouble' | 'busy';
  text: string;
  hint?: string;
  state?: State;
  actions?: readonly { label: string; run: () => void; href?: string }[];
}

/** Shows lines; nothing where there are none. */
export class Banner extends ReactWidget {
  constructor() {
    super();
    this.addClass('ft-Editor-banner');
  }

  /** Show exactly these. */
  set lines(lines: readonly BannerLine[]) {
    const key = JSON.stringify(lines);
    if (key !== this.key) {
      this.key = key;
      this._lines = lines;
      this.update();
    }
  }

  protected render(): React.ReactElement {
    return (
      <>
        {this._lines.map(line => (
          <Line key={line.kind} line={line} />
        ))}
      </>
    );
  }

  private key = '[]';
  private _lines: readonly BannerLine[] = [];
}

/** A text that something follows: with a full stop, where it ends in a word. */
export function closed(text: string): string {
  return /[\p{L}\p{N})\]’”'"`]$/u.test(text) ? `${text}.` : text;
}

/** A sentence of its own: the server's words begin small, as parts of one. */
export function begun(text: string): string {
  return text.charAt(0).toLocaleUpperCase() + text.slice(1);
}

function Line({ line }: { line: BannerLine }): React.ReactElement {
  const { kind, text, hint, state, actions = [] } = line;
  return (
    <div className="ft-Editor-banner-line" data-kind={kind} role={kind === 'trouble' ? 'alert' : 'status'}>
      <span className="ft-Editor-banner-text">
        {state && (
          <span className="ft-Editor-banner-icon" data-state={state} aria-hidden="true">
            {ICONS[state]}{' '}
          </span>
        )}
        {hint ? closed(text) : text}
        {hint && <span className="ft-Editor-banner-hint"> {begun(hint)}</span>}
      </span>
      {actions.map(({ label, run, href }) =>
        href ? (
          <a key={label} href={href} target="_blank" rel="noopener noreferrer">
            {label}
          </a>
        ) : (
          <button key={label} type="button" className="jp-mod-styled" onClick={run}>
            {label}
          </button>
        )
      )}
    </div>
  );
}
