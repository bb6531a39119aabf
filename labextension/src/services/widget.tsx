/** A view in the panel or as a tab, that asks only while somebody looks at it. */
import { ReactWidget } from '@jupyterlab/apputils';
import * as React from 'react';

import type { ServingContext, ServingServices } from './context';

/** A component that shows services or models. */
export type ServingComponent = (props: { context: ServingContext }) => JSX.Element;

/** See the head of this file. */
export class ServingWidget extends ReactWidget {
  constructor(
    private readonly services: ServingServices,
    private readonly component: ServingComponent
  ) {
    super();
    this.addClass('ft-Cluster');
    this.addClass('ft-Serving');
  }

  /** Ask anew. */
  refresh(): void {
    this.round++;
    this.update();
  }

  protected onAfterShow(): void {
    this.wasShown = true;
    this.update();
  }

  protected onAfterHide(): void {
    this.update();
  }

  protected render(): JSX.Element {
    this.wasShown = this.wasShown || this.isVisible;
    const fresh = { round: this.round, isSeen: this.isVisible };
    const View = this.component;
    return this.wasShown ? (
      <div className="ft-Cluster-body">
        <View context={{ ...this.services, fresh }} />
      </div>
    ) : (
      <></>
    );
  }

  private round = 0;
  private wasShown = false;
}
