// Every action that a posture can carry; a test holds this list equal to the folders.
import type { ActionAdapter } from './action.ts';
import { firewallDenyAddress } from './firewall-deny-address/index.ts';

export const ACTIONS: readonly ActionAdapter[] = [firewallDenyAddress];

/** The adapter of an action id, or undefined. */
export function findAction(id: string): ActionAdapter | undefined {
  return ACTIONS.find((action) => action.id === id);
}
