import { describe, expect, it } from 'vitest';

import { curlOf, placeOf, serviceState } from './states';

describe('services', () => {
  it('is waiting where nobody is to serve, and a failure where somebody should', () => {
    expect(serviceState({ status: 'HEALTHY', wanted: 0 })).toBe('waiting');
    expect(serviceState({ status: 'HEALTHY', wanted: 2 })).toBe('running');
    expect(serviceState({ status: 'DEGRADED', wanted: 2 })).toBe('failure');
  });

  it('has its operations where its backend and its name say, whatever they hold', () => {
    expect(placeOf({ backend: 'backend.ai:work', name: 'a/b' })).toBe('services/backend.ai%3Awork/a%2Fb');
  });

  it('is asked with a token unless it is public, by a line that a shell takes as it is', () => {
    expect(curlOf({ endpoint: 'http://127.0.0.1:9/', is_public: true })).toBe("curl 'http://127.0.0.1:9/'");
    expect(curlOf({ endpoint: "http://h/it's", is_public: false })).toBe(
      `printf 'header = "Authorization: BackendAI %s"\\n' "$TOKEN" | curl -K - 'http://h/it'\\''s'`
    );
  });
});
