/** Where jobs can run. */
import type { IClusters, IJobs } from '../tokens';

/** What the engine has, and the clusters that the reader has just signed in to. */
export function backendsOf(services: { jobs: IJobs; clusters: IClusters | null }): readonly string[] {
  const { jobs, clusters } = services;
  const profiles = clusters?.profiles.map(each => each.backend) ?? [];
  return [...new Set(['local', ...(jobs.info?.backends ?? []), ...profiles])];
}
