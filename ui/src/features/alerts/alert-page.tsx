// One alert on a page of its own, for a link to a colleague.
import { useParams } from '@tanstack/react-router';
import page from '../../app/page.module.css';
import { AlertDetail } from './alert-detail.tsx';

export function AlertPage() {
  const { id } = useParams({ from: '/alerts/$id' });
  return (
    <div className={page['page']}>
      <AlertDetail id={id} wide />
    </div>
  );
}
