// SPDX-License-Identifier: Apache-2.0
// The shop: GET /api/buy sells a book, GET /api/steal loses one, GET / shows both counters.
'use strict';

const { serve, sendPage, sendJson } = require('../web.js');

const port = Number(process.env.PORT || 3000);
let booksSold = 0;
let booksStolen = 0;

serve('bookstore', port, {
	'GET /': (request, response) => sendPage(response, {
		title: 'bookstore',
		colour: '#1565c0',
		good: true,
		lead: `${booksSold} sold, ${booksStolen} stolen`,
		facts: [['books-sold', 'Books sold', booksSold], ['books-stolen', 'Books stolen', booksStolen]],
	}),
	'GET /api/buy': (request, response) => {
		booksSold++;
		console.log(`books sold: ${booksSold}`);
		sendJson(response, { booksSold });
	},
	'GET /api/steal': (request, response) => {
		booksStolen++;
		console.log(`books stolen: ${booksStolen}`);
		sendJson(response, { booksStolen });
	},
});
