// Where the navigation leads, with the letter that jumps there after g.
import {
  IconAlertTriangle,
  IconBinaryTree2,
  IconChecklist,
  IconClockShield,
  IconFileCertificate,
  IconLayoutDashboard,
  IconListSearch,
  IconStack2,
} from '@tabler/icons-react';

export const DESTINATIONS = [
  { to: '/', name: 'situation', key: 's', icon: IconLayoutDashboard },
  { to: '/incidents', name: 'incidents', key: 'i', icon: IconStack2 },
  { to: '/alerts', name: 'alerts', key: 'a', icon: IconAlertTriangle },
  { to: '/search', name: 'search', key: 'e', icon: IconListSearch },
  { to: '/approvals', name: 'approvals', key: 'p', icon: IconChecklist },
  { to: '/changes', name: 'changes', key: 'c', icon: IconClockShield },
  { to: '/report', name: 'report', key: 'r', icon: IconFileCertificate },
  { to: '/rules', name: 'rules', key: 'u', icon: IconBinaryTree2 },
] as const;
