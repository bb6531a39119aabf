/** Model services of all backends: how they are, how to call them; scaled, read and removed here. */
import * as React from 'react';

import { useAnswer, Waiting } from '../asking';
import { Nothing, SaidLine, Search, type Said } from '../parts';
import type { ServicesView as Answer, ServiceView } from '../generated';
import type { ServingContext } from './context';
import { ServiceLine } from './service_line';

/** Milliseconds between two questions without a hint: on a cluster, nobody hints at what it does by itself. */
const EVERY = 15_000;
const EVERY_IN_MOTION = 3_000;
/** From so many services on they are searched. */
const MANY = 8;
/** The backend that hints at every change. */
const LOCAL = 'local';

/** See the head of this file. */
export function ServicesView({ context }: { context: ServingContext }): JSX.Element {
  const { api, trans } = context;
  const [every, setEvery] = React.useState(EVERY);
  const asked = useAnswer(signal => api.get<Answer>('services', {}, signal), 'services', {
    ...context.fresh,
    every
  });
  const [said, setSaid] = React.useState<Said | null>(null);
  const { services = [], silent = {} } = asked.value ?? {};
  const [typed, setTyped] = React.useState('');
  const shown = services.filter(each => each.name.toLowerCase().includes(typed.trim().toLowerCase()));
  const isInMotion = services.some(isUnhinted);
  React.useEffect(() => setEvery(isInMotion ? EVERY_IN_MOTION : EVERY), [isInMotion]);
  return (
    <>
      {services.length >= MANY && (
        <div className="ft-Cluster-bar">
          <Search label={trans.__('Search services by name')} value={typed} onChange={setTyped} />
        </div>
      )}
      <SaidLine said={said} />
      <Waiting asked={asked} trans={trans} />
      {Object.entries(silent).map(([backend, why]) => (
        <p key={backend} className="ft-Login-problem">
          {trans.__('%1 does not tell: %2', backend, why)}
        </p>
      ))}
      {asked.value && services.length === 0 && (
        <Nothing title={trans.__('No model is served.')}>
          {trans.__('A deployment task makes a service: drag one onto the canvas of a pipeline.')}
        </Nothing>
      )}
      {services.length > 0 && shown.length === 0 && (
        <Nothing title={trans.__('No service has that in its name.')} />
      )}
      <ul className="ft-Cluster-list" aria-label={trans.__('Services')}>
        {shown.map(service => (
          <ServiceLine
            key={`${service.backend} ${service.name}`}
            service={service}
            context={context}
            onDone={words => {
              setSaid({ words });
              asked.again();
            }}
          />
        ))}
      </ul>
    </>
  );
}

/** Whether it is on its way to another state, and nobody will say when it is there. */
function isUnhinted({ backend, status }: ServiceView): boolean {
  return backend !== LOCAL && status !== 'HEALTHY';
}
