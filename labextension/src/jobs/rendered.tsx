/** Data in one of Jupyter's own renderers, as a React element; never trusted. */
import type { IRenderMime, IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { MimeModel } from '@jupyterlab/rendermime';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { MessageLoop } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import * as React from 'react';

/** What to render. */
export interface RenderedProps {
  rendermime: IRenderMimeRegistry;
  type: string;
  data: string | object;
  label?: string;
}

/** See the head of this file. Data that changes is rendered again in the same place. */
export function Rendered({ rendermime, type, data, label }: RenderedProps): JSX.Element {
  const host = React.useRef<HTMLDivElement>(null);
  const renderer = React.useRef<IRenderMime.IRenderer | null>(null);
  React.useEffect(() => {
    const made = rendermime.createRenderer(type);
    renderer.current = made;
    if (host.current) {
      attach(made, host.current);
    }
    return () => {
      renderer.current = null;
      detach(made);
    };
  }, [rendermime, type]);
  React.useEffect(() => {
    const bundle = { [type]: data } as ReadonlyPartialJSONObject;
    void renderer.current?.renderModel(new MimeModel({ data: bundle, trusted: false }));
  }, [type, typeof data === 'string' ? data : JSON.stringify(data)]);
  return <div ref={host} className="ft-Rendered" role="group" aria-label={label} />;
}

/** A Lumino widget below an element of React's: what `Widget.attach` does, for a host that is not in the page yet too. */
function attach(widget: Widget, host: HTMLElement): void {
  MessageLoop.sendMessage(widget, Widget.Msg.BeforeAttach);
  host.append(widget.node);
  MessageLoop.sendMessage(widget, Widget.Msg.AfterAttach);
}

function detach(widget: Widget): void {
  MessageLoop.sendMessage(widget, Widget.Msg.BeforeDetach);
  widget.node.remove();
  MessageLoop.sendMessage(widget, Widget.Msg.AfterDetach);
  widget.dispose();
}
