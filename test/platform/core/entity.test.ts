// Entities and their scopes (SEMANTICS, Entities).
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ENTITY_TYPES, Entity, entityKey, makeEntity } from '../../../platform/core/entity.ts';

const context = { tenant: 'acme', site: 'plant-1', cluster: 'k1' };
const show = (type: (typeof ENTITY_TYPES)[number], value: string) => {
  const entity = makeEntity(type, value, context);
  return entity && entityKey(entity);
};

describe('makeEntity', () => {
  it.each([
    ['address', '192.168.1.10', 'address|site:plant-1|192.168.1.10'],
    ['address', '::ffff:8.8.8.8', 'address|global|8.8.8.8'],
    ['address', 'fe80::1%eth0', 'address|site:plant-1|fe80::1'],
    ['address', '0.0.0.0', undefined],
    ['address', 'host', undefined],
    ['host', 'WS-7', 'host|site:plant-1|ws-7'],
    ['host', 'WS-7.corp.example.', 'host|tenant:acme|ws-7.corp.example'],
    ['user', 'CORP\\Alice', 'user|tenant:acme|alice@corp'],
    ['user', 'alice@corp.example', 'user|tenant:acme|alice@corp'],
    ['user', 'CORP.EXAMPLE\\Alice', 'user|tenant:acme|alice@corp'],
    ['user', 'root', 'user|site:plant-1|root'],
    ['user', 'NT AUTHORITY\\SYSTEM', 'user|site:plant-1|system'],
    ['user', 'S-1-5-21-1-2-3-500', 'user|tenant:acme|s-1-5-21-1-2-3-500'],
    ['user', 'S-1-5-18', 'user|site:plant-1|s-1-5-18'],
    ['pod', 'ns/web-0', 'pod|cluster:k1|ns/web-0'],
    ['service-account', 'ns:sa', 'service-account|cluster:k1|ns:sa'],
    ['domain', 'Evil.Example.', 'domain|global|evil.example'],
    ['hash', 'ABCDEF', 'hash|global|abcdef'],
    ['process', 'x', 'process|site:plant-1|x'],
    ['host', '-', undefined],
    ['host', '  ', undefined],
    ['host', 'x'.repeat(1025), undefined],
  ] as const)('makes of %s %j: %s', (type, value, expected) => {
    expect(show(type, value)).toBe(expected);
  });

  it('puts pods into their site where the cluster is not known', () => {
    expect(makeEntity('pod', 'ns/p', { tenant: 'acme', site: 'plant-1' })?.scope).toBe('site:plant-1');
  });

  it('gives a valid entity or none, and the same for its own value', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...ENTITY_TYPES),
        fc.string({ unit: 'binary', maxLength: 40 }),
        (type, value) => {
          const entity = makeEntity(type, value, context);
          if (!entity) return;
          expect(Entity.safeParse(entity).success).toBe(true);
          expect(makeEntity(type, entity.value, context)?.value).toBe(entity.value);
        },
      ),
      { numRuns: 2000 },
    );
  });
});
