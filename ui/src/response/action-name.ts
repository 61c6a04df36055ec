// Names an action in the viewer's language; one that the page does not know keeps its id.
import type { TFunction } from 'i18next';

export function actionName(t: TFunction, action: string): string {
  return t(`action_name.${action}` as 'action_name.firewall-deny-address', { defaultValue: action });
}
