import { testBusContract } from '../../test/bus-contract.ts';
import { silentLog } from '../base/log.ts';
import { Switchboard } from './in-process.ts';

const board = new Switchboard(silentLog());
testBusContract('in-process bus', async (party) => board.connect(party));
