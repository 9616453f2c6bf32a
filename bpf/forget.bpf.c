/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Never attached: the agent's sweep runs it by PROG_TEST_RUN with a struct rf_forget as the packet. A flow goes only if nothing was seen of
 * it since the agent looked, and its pod's account with it. */
#include "lib/flows.bpf.h"

char _license[] SEC("license") = "Dual BSD/GPL";

SEC("tc")
int rf_forget(struct __sk_buff *skb)
{
	struct rf_forget *ask = (void *)(long)skb->data;
	struct rf_flow *flow;
	struct rf_tuple key;

	if ((void *)(ask + 1) > (void *)(long)skb->data_end)
		return 1;
	key = ask->key;
	ask->gone = 0;
	flow = bpf_map_lookup_elem(&flows, &key);
	if (flow && flow->seen_ns == ask->seen_ns)
		ask->gone = (__u32)rf_flow_remove(&key, flow->pod);
	return 0;
}
