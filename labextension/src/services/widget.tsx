/** Services or models, in the panel or as a tab; asked again at once when a hint says that services changed. */
import * as React from 'react';

import type { Freshness } from '../asking';
import { SeenWidget } from '../seen_widget';
import type { ServingContext, ServingServices } from './context';

/** A component that shows services or models. */
export type ServingComponent = (props: { context: ServingContext }) => JSX.Element;

/** See the head of this file. */
export class ServingWidget extends SeenWidget {
  constructor(
    private readonly services: ServingServices,
    private readonly component: ServingComponent
  ) {
    super();
    this.addClass('ft-Cluster');
    this.addClass('ft-Serving');
    services.changed.connect(this.refresh, this);
  }

  /** Hear no more. */
  dispose(): void {
    this.services.changed.disconnect(this.refresh, this);
    super.dispose();
  }

  protected view(fresh: Freshness): JSX.Element {
    const View = this.component;
    return (
      <div className="ft-Cluster-body">
        <View context={{ ...this.services, fresh }} />
      </div>
    );
  }
}
