/** How a service's status is shown and said. */
import type { TranslationBundle } from '@jupyterlab/translation';

import { word } from '../api';
import type { JobStatus, ReplicaView, ServiceStatus, ServiceView } from '../generated';
import { isEnded, stateOf, type State } from '../status';

/** The state whose colour and icon a service has. */
export function serviceState({ status, wanted }: Pick<ServiceView, 'status' | 'wanted'>): State {
  switch (status) {
    case 'PROVISIONING':
      return 'preparing';
    case 'HEALTHY':
      return wanted === 0 ? 'waiting' : 'running';
    case 'DEGRADED':
    case 'UNHEALTHY':
      return 'failure';
    case 'DESTROYING':
    case 'DESTROYED':
      return 'cancelled';
  }
}

/** The same of one of its replicas, which is ready when it is healthy. */
export function replicaState({ status, is_healthy }: Pick<ReplicaView, 'status' | 'is_healthy'>): State {
  if (is_healthy) {
    return 'running';
  }
  const isOver = isEnded(stateOf({ status: status as JobStatus, result: 'FAILURE', reason: '' }));
  return isOver ? 'failure' : 'preparing';
}

/** The word for a status, in the reader's language. */
export function serviceWord(status: ServiceStatus, trans: TranslationBundle): string {
  switch (status) {
    case 'PROVISIONING':
      return trans.__('starting');
    case 'HEALTHY':
      return trans.__('healthy');
    case 'DEGRADED':
      return trans.__('partly healthy');
    case 'UNHEALTHY':
      return trans.__('not healthy');
    case 'DESTROYING':
      return trans.__('ending');
    case 'DESTROYED':
      return trans.__('ended');
  }
}

/** Where the operations on a service are. */
export function placeOf({ backend, name }: Pick<ServiceView, 'backend' | 'name'>): string {
  return `services/${word(backend)}/${word(name)}`;
}

/**
 * A command that asks a service, for a terminal; `$TOKEN` is the reader's to fill in. The token goes in by a shell's
 * builtin and a pipe: what stands on a command line, everybody on that machine can see.
 */
export function curlOf({ endpoint, is_public }: Pick<ServiceView, 'endpoint' | 'is_public'>): string {
  const address = `'${(endpoint ?? '').replace(/'/g, "'\\''")}'`;
  return is_public
    ? `curl ${address}`
    : `printf 'header = "Authorization: BackendAI %s"\\n' "$TOKEN" | curl -K - ${address}`;
}
