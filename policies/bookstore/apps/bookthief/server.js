// SPDX-License-Identifier: Apache-2.0
// The dishonest customer: on each look at its page it steals a book if it can, and buys one besides. Whatever the mesh does to its
// connections (refused, reset, 404, 403), it stays up and says so.
'use strict';

const { serve, sendPage, getJson } = require('../web.js');

const port = Number(process.env.PORT || 4001);
const store = process.env.BOOKSTORE_URL || 'http://localhost:3000';
let stolen = 0;
let bought = 0;
let lastError = '';

function failed(error) {
	lastError = `${new Date().toISOString()} ${error.message}`;
	console.error(`bookthief: ${error.message}`);
}

async function steal() {
	try {
		const { booksStolen } = await getJson(`${store}/api/steal`);
		stolen++;
		return { good: true, lead: `I stole a book. The store has lost ${booksStolen}.` };
	} catch (error) {
		failed(error);
		return { good: false, lead: error.status === 404 ? 'You cannot steal more books!' : `I cannot steal books: ${error.message}` };
	}
}

async function buy() {
	try {
		const { booksSold } = await getJson(`${store}/api/buy`);
		bought++;
		return `I bought a book. The store has sold ${booksSold}.`;
	} catch (error) {
		failed(error);
		return `I cannot buy books: ${error.message}`;
	}
}

serve('bookthief', port, {
	'GET /': async (request, response) => {
		const visit = await steal();
		const purchase = await buy();
		sendPage(response, {
			title: 'bookthief',
			colour: '#6a1b9a',
			...visit,
			facts: [
				['purchase', 'And buying?', purchase],
				['books-stolen', 'Books stolen', stolen],
				['books-bought', 'Books bought', bought],
				['store', 'Bookstore', store],
			],
			lastError,
		});
	},
});
