/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Never attached: run by PROG_TEST_RUN with a struct rf_ask as the packet, it answers from the live tables with the very decision that
 * connect and tc use. A scheduler-classifier program, because every supported kernel can test-run those. */
#include "lib/opener.bpf.h"
#include "lib/people.bpf.h"

char _license[] SEC("license") = "Dual BSD/GPL";

/* Types of the inner maps and of the maps that only user space touches, kept whole in BTF so that bpftool names every field. */
static const volatile struct rf_types {
	struct rf_config config;
	struct rf_ident ident;
	struct rf_allow_key allow_key;
	struct rf_allow_value allow_value;
	struct rf_ingress_key ingress_key;
	struct rf_ingress_value ingress_value;
	struct rf_egress_key egress_key;
	struct rf_egress_value egress_value;
	struct rf_exclusion_key exclusion_key;
	struct rf_exclusion_value exclusion_value;
	struct rf_service_key service_key;
	struct rf_service_value service_value;
	struct rf_split_part split_part;
	struct rf_addr addr;
	struct rf_backend backend;
	struct rf_rule rule;
	struct rf_name name;
	rf_identity_t identity;
	__u32 index;
	__u64 word;
} rf_types __attribute__((used)) = {};

SEC("tc")
int rf_ask(struct __sk_buff *skb)
{
	struct rf_ask *ask = (void *)(long)skb->data;
	rf_epoch_t epoch = rf_live_epoch();
	struct rf_question q;
	__u64 said;

	if ((void *)(ask + 1) > (void *)(long)skb->data_end)
		return 1;
	q = ask->question;
	q.count_hit = 0;
	said = ask->opener == RF_ASK_CONNECT ? rf_decide(epoch, &q) : rf_decide_opened(epoch, &q, ask->opener);
	ask->answer = rf_answer_of(epoch, said);
	return 0;
}
