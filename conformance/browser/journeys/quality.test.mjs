// Pages that other journeys do not pass: each is opened by somebody who may, and examined.

import { stage } from '../lib/stage.mjs';
import { CAMILLE, INES, LOUISE, openPortal } from '../lib/people.mjs';
import { managers } from '../lib/registering.mjs';

const journey = stage({ agents: [`${CAMILLE.id}:CNOM`] });
const { asManager } = managers();

journey('quality_manager: what a manager keeps true', async ({ visitor }) => {
  const manager = await asManager(visitor, LOUISE);
  for (const [page, heading] of [
    ['identites', 'Identités à vérifier'], ['effectifs/confirmation', 'Enregistrements à vérifier'], ['anomalies', 'Anomalies signalées'],
    ['deces-corriges', 'Activités arrêtées par un décès corrigé'],
  ]) {
    await manager.page.goto(`/portail/gae/${page}`);
    await manager.at(heading);
  }
});

journey('quality_figures: an auditor reads the indicators of the night', async ({ visitor }) => {
  const auditor = await visitor();
  await openPortal(auditor, await visitor(), INES, '/portail/console/indicateurs', 'Indicateurs de qualité');
  await auditor.page.getByRole('rowheader', { name: 'Tous les territoires' }).waitFor();
});

journey('quality_report: anybody reports an anomaly', async ({ visitor }) => {
  const anybody = await visitor();
  await anybody.page.goto('/portail/signaler');
  await anybody.at('Signaler une anomalie');
});

journey('quality_feeds: an agent of an order sees its feeds', async ({ visitor }) => {
  const agent = await visitor();
  await openPortal(agent, await visitor(), CAMILLE, '/portail/console/autorite/flux', 'Flux de l’autorité');
});
