// The action contract: how a change that a posture can carry describes and checks itself.
import type { z } from 'zod';
import type { JsonObject } from '../../platform/core/event.ts';

/** What a site protects from every action, whatever the centre orders. */
export interface SiteGuard {
  /** Addresses and networks (CIDR) that must stay reachable: the parent's, the operator's, loopback. */
  readonly protectedNetworks: readonly string[];
}

/** A fragment of an nftables ruleset: addresses that the site's own sets hold. */
export interface FirewallFragment {
  readonly denyAddresses: readonly string[];
}

export interface ActionAdapter {
  /** Folder name and `action` in playbooks and postures. */
  readonly id: string;
  readonly title: string;
  readonly description: string;
  /** Least privilege: what the site's executor must be allowed to do. */
  readonly permissions: readonly string[];
  readonly reversible: boolean;
  /** The longest lease that the action accepts, ms. */
  readonly longest_lease_ms: number;
  /** Strict schema of `parameters`. */
  readonly parameters: z.ZodType<JsonObject>;
  /** A playbook step that a person can copy (YAML). */
  readonly example: string;
  /** The reason why a site must refuse these parameters, or undefined. */
  refuse(parameters: JsonObject, guard: SiteGuard): string | undefined;
  /** What the change means for the firewall. */
  toFirewall(parameters: JsonObject): FirewallFragment;
}
