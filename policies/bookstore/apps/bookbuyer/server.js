// SPDX-License-Identifier: Apache-2.0
// The honest customer: buys a book each time its page is looked at, and every BUY_INTERVAL_MS besides (0 = only then).
'use strict';

const { serve, sendPage, getJson, every } = require('../web.js');

const port = Number(process.env.PORT || 4000);
const store = process.env.BOOKSTORE_URL || 'http://localhost:3000';
const intervalMs = Number(process.env.BUY_INTERVAL_MS || 5000);
let bought = 0;
let lastError = '';

async function buy() {
	try {
		const { booksSold } = await getJson(`${store}/api/buy`);
		bought++;
		return { good: true, lead: `I bought a book. The store has sold ${booksSold}.` };
	} catch (error) {
		lastError = `${new Date().toISOString()} ${error.message}`;
		console.error(`bookbuyer: ${error.message}`);
		return { good: false, lead: `I cannot buy books: ${error.message}` };
	}
}

serve('bookbuyer', port, {
	'GET /': async (request, response) => {
		const visit = await buy();
		sendPage(response, {
			title: 'bookbuyer',
			colour: '#2e7d32',
			...visit,
			facts: [['books-bought', 'Books bought', bought], ['store', 'Bookstore', store]],
			lastError,
		});
	},
});
every(intervalMs, buy);
