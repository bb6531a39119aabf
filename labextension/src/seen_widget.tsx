/** A view in the panel or as a tab that asks only while somebody looks at it; one that was left is kept. */
import { ReactWidget } from '@jupyterlab/apputils';
import * as React from 'react';

import type { Freshness } from './asking';

/** Draws nothing until it is shown for the first time. */
export abstract class SeenWidget extends ReactWidget {
  /** Ask anew. */
  refresh(): void {
    this.round++;
    this.update();
  }

  protected onAfterShow(): void {
    this.update();
  }

  protected onAfterHide(): void {
    this.update();
  }

  protected render(): JSX.Element {
    this.wasShown = this.wasShown || this.isVisible;
    return this.wasShown ? this.view({ round: this.round, isSeen: this.isVisible }) : <></>;
  }

  /** What there is to see. */
  protected abstract view(fresh: Freshness): JSX.Element;

  private round = 0;
  private wasShown = false;
}
