import { Route, Routes, useParams } from 'react-router';
import { NotFound } from '../components/NotFound';
import { Overview } from './Overview';
import { RulePage } from './RulePage';
import { Rules } from './Rules';
import { Traces } from './Traces';
import { Violations } from './Violations';
import { ViolationPage } from './ViolationPage';

export function App() {
  return (
    <Routes>
      <Route index element={<Overview />} />
      <Route path="rules" element={<Rules />} />
      <Route path="rules/new" element={<RulePage key="new" />} />
      <Route path="rules/id/:id" element={<ById page={(id) => <RulePage key={id} id={id} />} />} />
      <Route path="violations" element={<Violations />} />
      <Route path="violations/:id" element={<ById page={(id) => <ViolationPage key={id} id={id} />} />} />
      <Route path="traces" element={<Traces key="" id="" />} />
      <Route path="traces/:id" element={<ById page={(id) => <Traces key={id} id={id} />} />} />
      <Route path="*" element={<NotFound what="page" />} />
    </Routes>
  );
}

// A page is made anew for each thing that it shows, so that none ever shows another's data.
function ById({ page }: { page: (id: string) => React.ReactNode }) {
  const { id = '' } = useParams();
  return page(id);
}
